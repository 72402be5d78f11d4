"""What netspec aims at beside its peers, and whether a run meets it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.measure import Line
from bench.peers.rows import LAYERS, ROWS
from bench.peers.run import Measured, Results

LEVEL = 1.05  # two ratios that differ by less are level: runs differ by more
RACES = ("mlp", "build", "forward", "check")
BUILD, FORWARD, READ, SHAPES = 1.1, 1.0, 0.5, 500
OURS = "netspec"


class Aim(NamedTuple):
    """An aim, what this run gave, and whether it is met."""

    what: str
    found: str
    is_met: bool


def aims(results: Results, reading: Sequence[Line]) -> list[Aim]:
    """All aims, in the order of the tables."""
    found = [_race(results, row) for row in RACES]
    found += [
        _below(f"build {LAYERS:,} layers, {measured.how}", measured.line, BUILD)
        for measured in _of(results, "build")
    ]
    found += [_below("forward", measured.line, FORWARD) for measured in _of(results, "forward")]
    found += _checks(results)
    found += [_below(line.what, line, READ) for line in reading]
    for measured in _of(results, "shapes"):
        faster = 1 / measured.line.of_medians if measured.line else 0.0
        what = f"the shapes alone, {measured.how}: {SHAPES} x faster than a meta forward"
        found.append(Aim(what, f"{faster:,.0f} x", faster >= SHAPES))
    return found


def _of(results: Results, row: str, name: str = OURS) -> list[Measured]:
    return [each for each in results.measured if each.row == row and each.peer == name]


def _below(what: str, line: Line | None, limit: float) -> Aim:
    ratio = line.of_medians if line else float("inf")
    return Aim(f"{what}: at most {limit:g}", f"{ratio:.3f}", ratio <= limit)


def _race(results: Results, row: str) -> Aim:
    """First, or level with the first, by the best way of each."""
    named = set(results.names.values())
    timed = [each for each in results.measured if each.row == row and each.peer in named]
    ours = _best(each for each in timed if each.peer == OURS)
    other = _best(each for each in timed if each.peer != OURS)
    what = f"first or level: {ROWS[row].title}"
    if ours is None or other is None:
        return Aim(what, "not measured", False)
    ratio = _ratio(ours) / _ratio(other)
    text = f"{ours.how or OURS}: {_ratio(ours):.3f}; {other.label}: {_ratio(other):.3f}"
    return Aim(what, text, ratio <= LEVEL)


def _best(measured: Iterable[Measured]) -> Measured | None:
    timed = [each for each in measured if each.line is not None]
    return min(timed, key=_ratio, default=None)


def _ratio(measured: Measured) -> float:
    assert measured.line is not None
    return measured.line.of_medians


def _checks(results: Results) -> list[Aim]:
    """netspec's plan below mlnode's validate, each from the same kind of thing."""
    ours = {each.how: each for each in _of(results, "check")}
    theirs = {each.how: each for each in _of(results, "check", "mlnode")}
    pairs = (
        ("plan, YAML text", "validate, JSON text"),
        ("plan, dict", "validate, dict"),
        ("plan, Spec", "validate alone, graph read"),
    )
    found = []
    for one, other in pairs:
        if one not in ours or other not in theirs:
            continue
        if ours[one].line is None or theirs[other].line is None:
            continue
        ratio = _ratio(ours[one]) / _ratio(theirs[other])
        what = f"check {LAYERS:,} layers: {one}, below mlnode's {other}"
        found.append(Aim(what, f"{ratio:.2f} of it", ratio < 1))
    return found
