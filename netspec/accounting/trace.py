"""The forward pass of a plan as a list of operations on storages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netspec.planning import Plan, PlannedChild, PlannedScope
from netspec.planning.costs import Storage, Walk
from netspec.planning.plan import Application, Step


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of a layer, or a merge.

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
    operations: tuple[Operation, ...]
    group_inputs: Mapping[tuple[str, int], tuple[Storage, ...]]
    holds: tuple[tuple[Storage, Operation], ...] = ()


def trace(plan: Plan, groups: Sequence[str] = ()) -> Trace:
    """One forward pass in training. ``groups`` are the paths of checkpointed modules."""
    tracer = _Tracer(plan, frozenset(groups))
    inputs = [Storage(given.type, False) for given in plan.inputs]
    outputs = tracer.call(plan.root, list(inputs))
    return Trace(
        tuple(inputs),
        tuple(outputs),
        tuple(tracer.operations),
        dict(tracer.group_inputs),
        tuple(tracer.holds),
    )


class _Tracer(Walk):
    def __init__(self, plan: Plan, groups: frozenset[str]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.group_inputs: dict[tuple[str, int], tuple[Storage, ...]] = {}
        self.holds: list[tuple[Storage, Operation]] = []
        self._groups = groups
        self._group: tuple[str, int] | None = None
        self._kept: list[Storage] = []
        self._path = ""
        self._scope = plan.root
        self._tied = {other: tie.source for tie in plan.ties for other in tie.others}

    def call(self, child: PlannedChild, given: list[Storage]) -> list[Storage]:
        begins = self._group is None and child.path in self._groups
        if begins:
            self._group = (child.path, len(self.group_inputs))
            self.group_inputs[self._group] = tuple(given)
        if isinstance(child, PlannedScope):
            around, self._scope = self._scope, child
            outputs = self.scope(child, given)
            self._scope = around
            if self.operations:
                self.holds += [(storage, self.operations[-1]) for storage in given]
        else:
            self._path = child.path
            outputs = self.layer(child.application, given)
        if begins:
            self._group = None
        return outputs

    def layer(self, application: Application, given: list[Storage]) -> list[Storage]:
        outputs = super().layer(application, given)
        keys = [f"{self._path}.{parameter.name}" for parameter in application.parameters]
        self.operations.append(
            Operation(
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

    def merge(self, step: Step, given: list[Storage]) -> list[Storage]:
        self._kept = []
        outputs = super().merge(step, given)
        keys: tuple[str, ...] = ()
        if step.kind == "parameter":
            assert step.child is not None
            keys = (self._scope.parameters[step.child].path,)
        self.operations.append(
            Operation(
                self._path,
                tuple(given),
                tuple(outputs),
                tuple(self._kept),
                parameters=keys,
                hands_on=step.operator is not None and step.operator.passes_gradient,
                group=self._group,
            )
        )
        return outputs

    def counted(self, storages: Sequence[Storage]) -> tuple[int, ...]:
        """Here each operation keeps its own; a parameter's storage is there anyway."""
        self._kept += [storage for storage in storages if not storage.is_counted]
        return ()
