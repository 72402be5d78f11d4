"""Planning from text, against PyYAML's CSafeLoader, and against fewer layers."""

from __future__ import annotations

import yaml

import netspec
from bench.measure import Line, compare
from bench.texts import CONVOLUTIONS, NAMED, SHORT, chain

LINEAR = 1.1  # the time per layer may grow by so much, a tenfold of layers later


def lines(rounds: int) -> list[Line]:
    return [
        *(_against_yaml(what, chain(items, 10_000), rounds) for what, items in TEXTS.items()),
        *(_per_layer(NAMED, "[N, 64]", "", count, rounds) for count in (1000, 10_000)),
        _per_layer(CONVOLUTIONS, "[N, 3, H, W]", " of conv2d, N, H, W", 1000, rounds),
    ]


TEXTS = {
    "plan 10,000 layers, arguments by name": NAMED,
    "plan 10,000 layers, short form": SHORT,
}


def _against_yaml(what: str, text: str, rounds: int) -> Line:
    return compare(
        f"{what}, against CSafeLoader",
        lambda: netspec.plan(netspec.loads(text)),
        lambda: yaml.load(text, Loader=yaml.CSafeLoader),
        0.5,
        rounds,
    )


def _per_layer(items: tuple[str, ...], input: str, what: str, count: int, rounds: int) -> Line:
    """The time per 100 layers, of many layers and of a tenth of them."""
    many, few = chain(items, count, input), chain(items, count // 10, input)
    line = compare(
        f"plan {count:,} layers{what}, a tenth of it, against {count // 10:,}",
        lambda: netspec.plan(netspec.loads(many)),
        lambda: [netspec.plan(netspec.loads(few)) for _ in range(10)],
        LINEAR,
        rounds,
    )
    return Line(
        line.what,
        tuple(sample / 10 for sample in line.ours),
        tuple(sample / 10 for sample in line.reference),
        line.aim,
    )
