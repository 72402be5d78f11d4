"""Parts of a plan that are equal but for their names, and runs of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import NamedTuple

from netspec.graph import Application, Graph, Node, Operation, OwnParameter, Results

_LONGEST_PERIOD = 8


class Entry(NamedTuple):
    """A node of a container at its path; equal numbers of ``content`` are equal contents."""

    node: Node
    path: str
    is_again: bool
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
    is frozen; that of a container is the names and contents of its children and how they are
    connected. The own name and path are not part of it.
    """

    def __init__(self, frozen: Collection[str]) -> None:
        self._frozen = frozen
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[int, tuple[Application, int]] = {}
        self._graphs: dict[tuple[int, str, bool], tuple[Graph, int]] = {}

    def entries(self, graph: Graph, prefix: str, is_again: bool) -> list[Entry]:
        """A container's own parameters, then what it computes, in the order of computation."""
        rest = [node for node in graph.nodes if not isinstance(node.body, OwnParameter)]
        return [
            Entry(
                node,
                prefix + node.name,
                is_again or node.is_again,
                self.of(node, prefix + node.name, is_again or node.is_again),
            )
            for node in (*graph.parameters, *rest)
        ]

    def of(self, node: Node, path: str, is_again: bool) -> int:
        """The number of a node's content. A graph that containers share is looked at once."""
        body = node.body
        if isinstance(body, Graph):
            inside = self._graph(body, path, is_again)
            return self._number(("graph", inside, node.device, is_again))
        if isinstance(body, Application):
            frozen = self.frozen_in(path, body)
            return self._number((self._application(body), node.device, is_again, frozen))
        if isinstance(body, Operation):
            return self._number(body._replace(macs=0, conditions=()))
        return self._number(("parameter", node.name, body.type, path in self._frozen))

    def _number(self, content: Hashable) -> int:
        return self._numbers.setdefault(content, len(self._numbers))

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

    def _graph(self, graph: Graph, path: str, is_again: bool) -> int:
        """Containers in containers recurse: the nesting is at most 100 deep."""
        key = (id(graph), path if self._frozen else "", is_again)
        known = self._graphs.get(key)
        if known is not None:
            return known[1]
        entries = self.entries(graph, f"{path}.", is_again)
        nodes = [
            (entry.node.name, entry.node.inputs, entry.node.outputs, entry.content)
            for entry in entries
        ]
        results = (_values(graph.results), _values(graph.auxiliary))
        number = self._number((tuple(nodes), graph.registered, graph.inputs, results))
        self._graphs[key] = (graph, number)
        return number

    def frozen_in(self, path: str, layer: Application) -> tuple[str, ...]:
        """The names of the layer's parameters that are not trained."""
        if not self._frozen:
            return ()
        names = [parameter.name for parameter in layer.parameters]
        return tuple([name for name in names if f"{path}.{name}" in self._frozen])


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
    return sum(3 if isinstance(entry.node.body, Graph) else 1 for entry in entries)


class _Wiring:
    """Whether two entries of a container get their inputs in the same way."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._made = {
            value: (place, slot)
            for place, entry in enumerate(entries)
            for slot, value in enumerate(entry.node.outputs)
        }

    def alike(self, first: int, other: int) -> bool:
        """Equal contents, with inputs from as far before, but for some that are the same values."""
        one, two = self._entries[first], self._entries[other]
        if one.content != two.content or isinstance(one.node.body, OwnParameter):
            return False
        pairs = list(zip(one.node.inputs, two.node.inputs, strict=True))
        moved = [self._source(a, first) == self._source(b, other) for a, b in pairs]
        same = [a == b for a, b in pairs]
        # Branches that all take one value are no chain.
        return any(moved) and all(map(any, zip(moved, same, strict=True)))

    def _source(self, value: int, place: int) -> tuple[int, int]:
        """How many entries before it was made, and as which output; inputs are before all."""
        made, slot = self._made.get(value, (-1, value))
        return place - made, slot
