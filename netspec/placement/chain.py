"""Where a chain of layers is cut, so that the stages cost alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.placement.layout import Layout
from netspec.planning import PlannedLayer, PlannedScope
from netspec.sizes import Size
from netspec.sizes.algebra import evaluate, symbols

TYPICAL = 128  # what a size is taken for that a plan leaves open


def chain_of(scope: PlannedScope) -> list[PlannedLayer | PlannedScope]:
    """What is called one after the other, with the insides of containers that are chains."""
    found: list[PlannedLayer | PlannedScope] = []
    waiting: list[PlannedLayer | PlannedScope] = [*reversed(scope.children)]
    while waiting:
        child = waiting.pop()
        if isinstance(child, PlannedScope) and child.graph.is_chain and child.children:
            waiting.extend(reversed(child.children))
        else:
            found.append(child)
    return found


def rows_in(
    layout: Layout, chain: Sequence[PlannedLayer | PlannedScope]
) -> Iterator[tuple[PlannedLayer, int]]:
    """All layers of a model, with the places in the chain where they are."""
    places = {unit.path: place for place, unit in enumerate(chain)}
    for row in layout.plan.layers:
        path = row.path
        while path not in places:
            path = path.rpartition(".")[0]
        yield row, places[path]


def balanced_starts(
    layout: Layout, chain: Sequence[PlannedLayer | PlannedScope], stages: int
) -> tuple[int, ...]:
    """Where stages but the first begin, so that the dearest of them is as cheap as can be.

    What a layer costs are its multiply-adds and, since they are read, its parameters. Each stage
    has parameters, as far as there are enough layers with some.
    """
    costs = [0] * len(chain)
    for row, place in rows_in(layout, chain):
        costs[place] += _typical(row.macs) + row.params
    weighted = [count > 0 for count in parameter_counts(layout, chain)]
    if sum(weighted) < stages:
        weighted = [True] * len(chain)
    least, most = max(costs), sum(costs)
    while least < most:
        middle = (least + most) // 2
        if len(_filled(costs, weighted, middle, stages)) < stages:
            most = middle
        else:
            least = middle + 1
    return tuple(_filled(costs, weighted, least, stages))


def parameter_counts(
    layout: Layout, chain: Sequence[PlannedLayer | PlannedScope]
) -> tuple[int, ...]:
    """The number of parameters at each place of a chain."""
    counts = [0] * len(chain)
    for row, place in rows_in(layout, chain):
        counts[place] += row.params
    places = {unit.path: place for place, unit in enumerate(chain)}
    for own in layout.plan.parameters:
        for path, place in places.items():
            if own.path.startswith(f"{path}."):
                counts[place] += own.numel
    return tuple(counts)


def _filled(costs: Sequence[int], weighted: Sequence[bool], limit: int, stages: int) -> list[int]:
    """The places where a stage begins, if each is filled to the limit.

    No stage is without a place of ``weighted``.
    """
    starts: list[int] = []
    total = 0
    is_begun = False  # with such a place
    left = sum(weighted)
    for place, cost in enumerate(costs):
        must_begin = weighted[place] and left == stages - 1 - len(starts)
        if is_begun and left and (total + cost > limit or must_begin):
            starts.append(place)
            total, is_begun = 0, False
        total += cost
        is_begun |= weighted[place]
        left -= weighted[place]
    return starts


def _typical(size: Size) -> int:
    values = {}
    for symbol in symbols(size):
        value = max(symbol.lowest, TYPICAL)
        if symbol.highest is not None:
            value = min(value, symbol.highest)
        values[symbol.name] = value // symbol.multiple_of * symbol.multiple_of or symbol.lowest
    return evaluate(size, values)
