"""The calls of a whole plan in their order, with values that are numbered over all containers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from netspec.graph import Graph, Interpreter, Node
from netspec.planning import Plan, PlannedLayer
from netspec.planning.plan import planned_layer
from netspec.spec import Origin

Values = tuple[int, ...]


class Call(NamedTuple):
    """A call of a layer; ``layer`` is None where a container merges values (``kind``: add)."""

    kind: str
    layer: PlannedLayer | None
    inputs: Values
    outputs: Values
    origin: Origin


class Calls(NamedTuple):
    """``results`` are the values that the model gives, auxiliary ones too."""

    calls: tuple[Call, ...]
    results: Values

    def readers(self) -> dict[int, list[Call]]:
        """The calls that read each value."""
        found: dict[int, list[Call]] = {}
        for call in self.calls:
            for value in call.inputs:
                found.setdefault(value, []).append(call)
        return found


def writes_into_input(layer: PlannedLayer) -> bool:
    """Whether a layer changes the memory of what it gets."""
    return layer.application.overwrites_input


def calls_of(plan: Plan) -> Calls:
    """The model's values are 0, 1 ... in the order of ``plan.inputs``."""
    tracer = _Tracer(len(plan.inputs))
    results = tracer.run(plan.graph, range(len(plan.inputs)))
    return Calls(tuple(tracer.calls), tuple(results))


class _Tracer(Interpreter[int]):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.numbers = count(inputs)

    def call_layer(self, node: Node, given: list[int]) -> Values:
        layer = planned_layer(self.prefix, node, self.origin, self.is_again)
        return self.called("call", layer, node, given)

    def call_function(self, node: Node, given: list[int]) -> Values:
        return self.called(node.name, None, node, given)

    def get_parameter(self, node: Node) -> int:
        return self.called("parameter", None, node, [])[0]

    def called(
        self, kind: str, layer: PlannedLayer | None, node: Node, given: Sequence[int]
    ) -> Values:
        made = tuple([next(self.numbers) for _ in node.outputs])
        self.calls.append(Call(kind, layer, tuple(given), made, self.origin))
        return made

    def output(self, graph: Graph, values: Sequence[int]) -> list[int]:
        return [values[at] for at in (*graph.results.values, *graph.auxiliary.values)]
