"""The forward pass of a plan as a list of operations on storages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netspec.graph import Application, Graph, Node
from netspec.planning import Plan
from netspec.planning.costs import SavedTensors, Storage


@dataclass(frozen=True, slots=True)
class Step:
    """A call of a layer, or of an operator.

    ``path`` is the layer's; a merge has that of the layer before it. ``kept`` are the storages that
    autograd keeps of a merge until its backward pass; what it keeps of a layer's call follows from
    the ``application``, which is None where it keeps nothing. ``parameters`` are keys. Where
    ``hands_on`` is true the gradient of the output is, in the same memory, that of the inputs.
    ``group`` is the checkpointed module around it, with the number of its call. ``scratch`` are
    bytes that are free again at its end, in the forward and in the backward pass; None where they
    follow from the ``application``.
    """

    path: str
    inputs: tuple[Storage, ...]
    outputs: tuple[Storage, ...]
    kept: tuple[Storage, ...] = ()
    application: Application | None = None
    parameters: tuple[str, ...] = ()
    hands_on: bool = False
    group: tuple[str, int] | None = None
    scratch: tuple[int, int] | None = None

    def named(self, names: Sequence[str]) -> list[Storage]:
        """The inputs and outputs of a layer with these names."""
        application = self.application
        if application is None:
            return []
        storages = dict(zip(application.input_names, self.inputs, strict=False))
        storages.update(zip(application.output_names, self.outputs, strict=False))
        return [storages[name] for name in dict.fromkeys(names)]


@dataclass(frozen=True, slots=True)
class Trace:
    """``group_inputs`` are what a checkpointed call keeps instead of what is inside.

    ``holds`` are inputs of containers, which whoever calls them holds until their last operation.
    """

    inputs: tuple[Storage, ...]
    outputs: tuple[Storage, ...]
    operations: tuple[Step, ...]
    group_inputs: Mapping[tuple[str, int], tuple[Storage, ...]]
    holds: tuple[tuple[Storage, Step], ...] = ()


def trace(plan: Plan, groups: Sequence[str] = ()) -> Trace:
    """One forward pass in training. ``groups`` are the paths of checkpointed modules."""
    tracer = _Tracer(plan, frozenset(groups))
    inputs = [Storage(given.type, False) for given in plan.inputs]
    outputs = tracer.whole(plan, inputs)
    return Trace(
        tuple(inputs),
        tuple(outputs),
        tuple(tracer.operations),
        dict(tracer.group_inputs),
        tuple(tracer.holds),
    )


class _Tracer(SavedTensors):
    def __init__(self, plan: Plan, groups: frozenset[str]) -> None:
        super().__init__()
        self.operations: list[Step] = []
        self.group_inputs: dict[tuple[str, int], tuple[Storage, ...]] = {}
        self.holds: list[tuple[Storage, Step]] = []
        self._groups = groups
        self._group: tuple[str, int] | None = None
        self._kept: list[Storage] = []
        self._path = ""
        self._tied = {other: tie.source for tie in plan.ties for other in tie.others}

    def whole(self, plan: Plan, given: list[Storage]) -> Sequence[Storage]:
        """The model is a container too, without a node that calls it."""
        return self._grouped("", given, lambda: self._held(plan.graph, given))

    def run_node(self, node: Node, given: list[Storage]) -> Sequence[Storage]:
        path = self.prefix + node.name
        if node.is_call and path in self._groups:
            return self._grouped(path, given, lambda: super(_Tracer, self).run_node(node, given))
        return super().run_node(node, given)

    def _grouped(
        self, path: str, given: list[Storage], work: Callable[[], Sequence[Storage]]
    ) -> Sequence[Storage]:
        """A call of a module, which is a group where it is checkpointed, and not in another."""
        if self._group is not None or path not in self._groups:
            return work()
        self._group = (path, len(self.group_inputs))
        self.group_inputs[self._group] = tuple(given)
        outputs = work()
        self._group = None
        return outputs

    def call_graph(self, node: Node, given: list[Storage]) -> Sequence[Storage]:
        outputs = super().call_graph(node, given)
        self._hold(given)
        return outputs

    def _held(self, graph: Graph, given: list[Storage]) -> Sequence[Storage]:
        outputs = self.run(graph, given)
        self._hold(given)
        return outputs

    def _hold(self, given: list[Storage]) -> None:
        if self.operations:
            self.holds += [(storage, self.operations[-1]) for storage in given]

    def call_layer(self, node: Node, given: list[Storage]) -> list[Storage]:
        application = node.application
        self._path = self.prefix + node.name
        outputs = self.layer(application, given)
        keys = [f"{self._path}.{parameter.name}" for parameter in application.parameters]
        self.operations.append(
            Step(
                self._path,
                tuple(given),
                tuple(outputs),
                (),
                application if any(output.requires_grad for output in outputs) else None,
                tuple([self._tied.get(key, key) for key in keys]),
                application.is_view and not application.saves and application.saved_bytes == 0,
                self._group,
            )
        )
        return outputs

    def call_function(self, node: Node, given: list[Storage]) -> list[Storage]:
        self._kept = []
        outputs = super().call_function(node, given)
        self._operated(given, outputs, (), node.operation.operator.passes_gradient)
        return outputs

    def get_parameter(self, node: Node) -> Storage:
        self._kept = []
        output = super().get_parameter(node)
        self._operated([], [output], (self.prefix + node.name,))
        return output

    def _operated(
        self,
        given: list[Storage],
        outputs: list[Storage],
        keys: tuple[str, ...],
        hands_on: bool = False,
    ) -> None:
        self.operations.append(
            Step(
                self._path,
                tuple(given),
                tuple(outputs),
                tuple(self._kept),
                parameters=keys,
                hands_on=hands_on,
                group=self._group,
            )
        )

    def counted(self, storages: Sequence[Storage]) -> tuple[int, ...]:
        """Here each operation keeps its own; a parameter's storage is there anyway."""
        self._kept += [storage for storage in storages if not storage.is_counted]
        return ()
