"""Planning from text, against PyYAML's CSafeLoader, and against fewer layers."""

from __future__ import annotations

import json
import subprocess
import sys

import yaml

import netspec
from bench.measure import Line, compare
from bench.texts import CONVOLUTIONS, NAMED, SHORT, chain

AIM = 0.5
LINEAR = 1.1  # the time per layer may grow by so much while the layers become ten times as many
TEXTS = {"arguments by name": NAMED, "short form": SHORT}


def lines(rounds: int) -> list[Line]:
    """Without torch in the process, as a plan needs none, and with it.

    Torch's objects make each run of the garbage collector dearer, which slows CSafeLoader most:
    netspec pauses the collector, CSafeLoader does not. So the two say different things.
    """
    alone = subprocess.run(
        (sys.executable, "-m", "bench.planning", str(rounds)),
        check=True,
        stdout=subprocess.PIPE,
    )
    fresh = [Line(**values) for values in json.loads(alone.stdout)]
    import torch  # noqa: F401

    return [*fresh, *_against_yaml(", torch imported", rounds)]


def _without_torch(rounds: int) -> list[Line]:
    found = _against_yaml("", rounds)
    for count in (1000, 10_000):
        found.append(_per_layer(NAMED, "[N, 64]", "", count, rounds))
    found.append(_per_layer(CONVOLUTIONS, "[N, 3, H, W]", " of conv2d, N, H, W", 1000, rounds))
    assert "torch" not in sys.modules
    return found


def _against_yaml(where: str, rounds: int) -> list[Line]:
    return [
        _yaml_line(f"{what}{where}", chain(items, 10_000), rounds) for what, items in TEXTS.items()
    ]


def _yaml_line(what: str, text: str, rounds: int) -> Line:
    return compare(
        f"plan 10,000 layers, against CSafeLoader: {what}",
        lambda: netspec.plan(netspec.loads(text)),
        lambda: yaml.load(text, Loader=yaml.CSafeLoader),
        AIM,
        rounds,
    )


def _per_layer(items: tuple[str, ...], input: str, what: str, count: int, rounds: int) -> Line:
    """A tenth of the time of many layers, against the time of a tenth of the layers."""
    many, few = chain(items, count, input), chain(items, count // 10, input)
    line = compare(
        f"plan {count:,} layers{what}, a tenth of it, against {count // 10:,}",
        lambda: netspec.plan(netspec.loads(many)),
        lambda: [netspec.plan(netspec.loads(few)) for _ in range(10)],
        LINEAR,
        rounds,
    )
    ours, reference = ([sample / 10 for sample in kept] for kept in (line.ours, line.reference))
    return Line(line.what, tuple(ours), tuple(reference), line.aim)


if __name__ == "__main__":
    json.dump([line.stored() for line in _without_torch(int(sys.argv[1]))], sys.stdout)
