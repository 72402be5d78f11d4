"""The calls of a whole plan in their order, with values that are numbered over all containers."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from netspec.planning import Plan, PlannedLayer, PlannedScope
from netspec.planning.plan import PlannedChild
from netspec.spec import Origin

Values = tuple[int, ...]


class Call(NamedTuple):
    """A call of a layer; ``layer`` is None where a container merges values (``kind``: add)."""

    kind: str
    layer: PlannedLayer | None
    inputs: Values
    outputs: Values
    origin: Origin


class Graph(NamedTuple):
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


def graph_of(plan: Plan) -> Graph:
    """The model's values are 0, 1 ... in the order of ``plan.inputs``."""
    tracer = _Tracer(len(plan.inputs))
    results = tracer.scope(plan.root, tuple(range(len(plan.inputs))))
    return Graph(tuple(tracer.calls), results)


class _Tracer:
    def __init__(self, inputs: int) -> None:
        self.calls: list[Call] = []
        self.numbers = count(inputs)

    def child(self, child: PlannedChild, inputs: Values) -> Values:
        if isinstance(child, PlannedScope):
            return self.scope(child, inputs)
        return self.call("call", child, inputs, len(child.outputs), child.origin)

    def call(
        self, kind: str, layer: PlannedLayer | None, inputs: Values, outputs: int, origin: Origin
    ) -> Values:
        made = tuple([next(self.numbers) for _ in range(outputs)])
        self.calls.append(Call(kind, layer, inputs, made, origin))
        return made

    def scope(self, scope: PlannedScope, inputs: Values) -> Values:
        if scope.steps is None:
            values = inputs
            for child in scope.children:
                values = self.child(child, values[:1])
            return values
        known = dict(enumerate(inputs))
        for step in scope.steps:
            given = tuple([known[number] for number in step.inputs])
            if step.planned is not None:
                made = self.child(step.planned, given)
            else:
                made = self.call(step.kind, None, given, len(step.outputs), step.origin)
            known.update(zip(step.outputs, made, strict=False))
        results = (*scope.results.values, *scope.auxiliary.values)
        return tuple([known[number] for number in results])
