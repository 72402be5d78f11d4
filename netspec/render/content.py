"""Parts of a plan that are equal but for their names, and runs of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import NamedTuple

from netspec.planning import PlannedChild, PlannedLayer, PlannedParameter, PlannedScope, Step
from netspec.planning.plan import Application, Results

_LONGEST_PERIOD = 8


class Entry(NamedTuple):
    """What a container computes in one step, in the order of computation.

    ``step`` is None where the container calls its children in their order.
    """

    part: PlannedChild | PlannedParameter | Step
    step: Step | None
    content: int


class Run(NamedTuple):
    """Entries, ``times`` times one after the other; ``last`` are those of the end."""

    entries: Sequence[Entry]
    second: Sequence[Entry]
    last: Sequence[Entry]
    times: int

    @property
    def period(self) -> int:
        return len(self.entries)


class Contents:
    """Numbers the contents of a plan's parts: equal numbers are equal contents.

    The content of a layer is its type, all arguments, the types of its inputs and outputs, and what
    is frozen; that
    of a container is the names and contents of its children and how they are connected. The own
    name and path are not part of it.
    """

    def __init__(self, frozen: Collection[str]) -> None:
        self._frozen = frozen
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[object, int]] = {}

    def entries(self, scope: PlannedScope) -> list[Entry]:
        """A container's own parameters, then what it computes."""
        found = [Entry(own, None, self._parameter(own)) for own in scope.parameters]
        if scope.steps is None:
            return found + [Entry(child, None, self.of(child)) for child in scope.children]
        for step in scope.steps:
            if step.planned is not None:
                found.append(Entry(step.planned, step, self.of(step.planned)))
            elif step.kind != "parameter":
                found.append(Entry(step, step, self._merge(step)))
        return found

    def of(self, child: PlannedChild) -> int:
        known = self._known.get(id(child))
        if known is None:
            number = self._layer(child) if isinstance(child, PlannedLayer) else self._scope(child)
            known = self._known[id(child)] = (child, number)
        return known[1]

    def _number(self, content: Hashable) -> int:
        return self._numbers.setdefault(content, len(self._numbers))

    def _layer(self, layer: PlannedLayer) -> int:
        return self._number(
            (
                self._application(layer.application),
                layer.device,
                layer.is_reused,
                self.frozen_in(layer),
            )
        )

    def _application(self, one: Application) -> int:
        known = self._known.get(id(one))
        if known is None:
            content = (
                "layer",
                one.type.name,
                one.source,
                tuple(one.arguments.items()),
                one.input_names,
                one.inputs,
                one.outputs,
                one.parameters,
                one.buffers,
                one.trust,
            )
            known = self._known[id(one)] = (one, self._number(content))
        return known[1]

    def _scope(self, scope: PlannedScope) -> int:
        """Scopes in scopes recurse: the nesting is at most 100 deep."""
        parts = tuple((child.name, self.of(child)) for child in scope.children)
        own = tuple(map(self._parameter, scope.parameters))
        steps = None if scope.steps is None else tuple(map(self._step, scope.steps))
        outside = (scope.inputs, scope.outputs, scope.input_names, scope.device, scope.is_reused)
        results = (_values(scope.results), _values(scope.auxiliary))
        return self._number(("scope", parts, own, steps, outside, results))

    def _step(self, step: Step) -> Hashable:
        content = self._merge(step) if step.planned is None else self.of(step.planned)
        return step.inputs, step.outputs, step.child, content

    def _merge(self, step: Step) -> int:
        return self._number(
            ("merge", step.kind, step.dim, step.stretched, step.input_types, step.output_types)
        )

    def frozen_in(self, layer: PlannedLayer) -> tuple[str, ...]:
        """The names of the layer's parameters that are not trained."""
        if not self._frozen:
            return ()
        names = [parameter.name for parameter in layer.parameters]
        return tuple([name for name in names if f"{layer.path}.{name}" in self._frozen])

    def _parameter(self, own: PlannedParameter) -> int:
        return self._number(("parameter", own.name, own.shape, own.path in self._frozen))


def _values(results: Results) -> Hashable:
    return results.values, results.names, results.form


def runs(entries: Sequence[Entry]) -> Iterator[Run]:
    """Cuts entries into runs: as few as possible, the next longest one first.

    Two merges, or two layers, are shorter to read than to count.
    """
    alike = _Wiring(entries).alike
    at = 0
    while at < len(entries):
        period, count = 1, 1
        for length in range(1, min(_LONGEST_PERIOD, (len(entries) - at) // 2) + 1):
            end = at + length
            while end < len(entries) and alike(end - length, end):
                end += 1
            times = (end - at) // length
            spared = (times - 1) * _lines(entries[at : at + length])
            if spared >= 3 and spared > (count - 1) * _lines(entries[at : at + period]):
                period, count = length, times
        end = at + period * count
        second = entries[at + period : at + 2 * period] if count > 1 else ()
        yield Run(entries[at : at + period], second, entries[end - period : end], count)
        at = end


def _lines(entries: Sequence[Entry]) -> int:
    """Some number of lines: more for a container than for a layer."""
    return sum(3 if isinstance(entry.part, PlannedScope) else 1 for entry in entries)


class _Wiring:
    """Whether two entries of a container get their inputs in the same way."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._made = {
            value: (place, slot)
            for place, entry in enumerate(entries)
            if entry.step is not None
            for slot, value in enumerate(entry.step.outputs)
        }

    def alike(self, first: int, other: int) -> bool:
        """Equal contents, with inputs from as far before, but for some that are the same values."""
        one, two = self._entries[first], self._entries[other]
        if one.content != two.content:
            return False
        if one.step is None or two.step is None:
            return not isinstance(one.part, PlannedParameter)
        pairs = list(zip(one.step.inputs, two.step.inputs, strict=True))
        moved = [self._source(a, first) == self._source(b, other) for a, b in pairs]
        same = [a == b for a, b in pairs]
        # Branches that all take one value are no chain.
        return any(moved) and all(map(any, zip(moved, same, strict=True)))

    def _source(self, value: int, place: int) -> tuple[int, int]:
        """How many entries before it was made, and as which output; inputs are before all."""
        made, slot = self._made.get(value, (-1, value))
        return place - made, slot
