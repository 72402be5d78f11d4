"""For random models with named sizes and skips: each verdict is held against torch.

A model that is accepted runs with the planned shapes at all legal sizes; one that is refused
fails at some legal sizes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import netspec
from netspec.planning import Plan
from netspec.sizes import evaluate

#: The class that computes each layer; the ones with parameters are made for 2 channels.
TORCH: Mapping[str, type[nn.Module]] = {
    "conv2d": nn.Conv2d,
    "conv_transpose2d": nn.ConvTranspose2d,
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
    "interpolate": nn.Upsample,
    "zero_pad2d": nn.ZeroPad2d,
}
Scaling = tuple[str, Mapping[str, Any], Fraction]
#: Layers that U-Nets and residual networks are made of, with what they scale the sizes by.
USUAL: tuple[Scaling, ...] = (
    ("conv2d", {"out_channels": 2, "kernel_size": 3, "padding": 1}, Fraction(1)),
    ("conv2d", {"out_channels": 2, "kernel_size": 3, "padding": 1, "stride": 2}, Fraction(1, 2)),
    ("max_pool2d", {"kernel_size": 2}, Fraction(1, 2)),
    ("max_pool2d", {"kernel_size": 2, "ceil_mode": True}, Fraction(1, 2)),
    ("avg_pool2d", {"kernel_size": 4}, Fraction(1, 4)),
    ("interpolate", {"scale_factor": 2}, Fraction(2)),
    ("conv_transpose2d", {"out_channels": 2, "kernel_size": 2, "stride": 2}, Fraction(2)),
)


@st.composite
def layers(draw: st.DrawFn) -> Scaling:
    """A layer, and about what it scales the sizes by."""
    if draw(st.integers(0, 7)):
        usual: Scaling = draw(st.sampled_from(USUAL))
        return usual
    word = draw(st.sampled_from(sorted(TORCH)))
    if word == "interpolate":
        factor = draw(st.integers(1, 3))
        return word, {"scale_factor": factor}, Fraction(factor)
    if word == "zero_pad2d":
        sides = draw(st.lists(st.integers(-1, 2), min_size=4, max_size=4))
        return word, {"padding": sides}, Fraction(1)
    stride = draw(st.integers(1, 3))
    written: dict[str, Any] = {"kernel_size": draw(st.integers(1, 4)), "stride": stride}
    if word.startswith("conv"):
        written |= {"out_channels": 2, "padding": draw(st.integers(0, 1))}
    elif draw(st.booleans()):
        written["ceil_mode"] = True
    return word, written, Fraction(1, stride)


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, int]:
    """What `input` states of a size; half of the time nothing, or a part."""
    least = draw(st.none() | st.integers(0, 20))
    most = draw(st.none() | st.integers(24, 60))
    step = draw(st.sampled_from([None, 2, 3, 4, 8]))
    stated = {"min": least, "max": most, "multiple_of": step}
    return {key: value for key, value in stated.items() if value is not None}


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """A chain of layers with joins over several of them, mostly of values of one scale."""
    items: dict[str, Any] = {}
    names, scales = ["input"], [Fraction(1)]
    length = draw(st.integers(2, 7))
    for number in range(length + 1):
        name = f"x{number}"
        same = [n for n, scale in zip(names[:-1], scales, strict=False) if scale == scales[-1]]
        earlier = same if draw(st.integers(0, 5)) else names[:-1]
        if earlier and (number == length or draw(st.booleans())):
            joined = [names[-1], draw(st.sampled_from(earlier))]
            word = "concat" if number == length else draw(st.sampled_from(["add", "mul"]))
            items[name] = {word: None, "from": joined}
            scale = Fraction(1)
        else:
            word, written, scale = draw(layers())
            items[name] = {word: dict(written)}
        names.append(name)
        scales.append(scales[-1] * scale)
    shape: list[Any] = ["N", 2, draw(st.sampled_from(["H", 12])), draw(st.sampled_from(["W", "H"]))]
    used = [size for size in dict.fromkeys(shape) if isinstance(size, str)]
    stated = {name: draw(ranges()) for name in used if draw(st.booleans())}
    input = {"shape": shape, **{name: range for name, range in stated.items() if range}}
    return {"netspec": 1, "input": input, "layers": items}


def by_hand(spec: Mapping[str, Any], input: Tensor) -> dict[str, Tensor]:
    """The values of a model by their names, computed without netspec.

    Raises:
        RuntimeError: torch refuses the sizes.
    """
    values = {"input": input}
    last = input
    for name, item in spec["layers"].items():
        ((word, written),) = [pair for pair in item.items() if pair[0] != "from"]
        if "from" in item:
            pair = [values[source] for source in item["from"]]
            last = torch.cat(pair, 1) if word == "concat" else getattr(torch, word)(*pair)
        else:
            has_weights = word.startswith("conv")
            more = {"in_channels": last.shape[1], "device": "meta"} if has_weights else {}
            last = TORCH[word](**written, **more)(last)
        values[name] = last
    return values


def legal(stated: Mapping[str, int], start: int = 0) -> list[int]:
    """The first legal numbers of a size from ``start`` on."""
    step, most = stated.get("multiple_of", 1), stated.get("max")
    first = -(-max(stated.get("min", 0), start) // step) * step
    return [n for n in range(first, first + 40 * step, step) if most is None or n <= most]


def tried(spec: Mapping[str, Any], values: Mapping[str, int]) -> dict[str, Tensor] | None:
    shape = [values.get(size, size) for size in spec["input"]["shape"]]
    try:
        return by_hand(spec, torch.zeros(shape, device="meta"))
    except (RuntimeError, ValueError, TypeError):
        return None


def assert_mended(written: dict[str, Any], advice: str, error: netspec.Diagnostic) -> None:
    """What the advice states in `input` ends the error; a later layer may have another one."""
    input = dict(written["input"])
    for name, advised in re.findall(r"(\w+): \{([^}]*)\}", advice):
        stated = {key: int(number) for key, number in re.findall(r"(\w+): (\d+)", advised)}
        before = {"multiple_of": 1, **input.get(name, {})}
        assert stated["multiple_of"] % before.pop("multiple_of") == 0
        assert stated.items() >= before.items()
        input[name] = stated
    found = netspec.check(netspec.from_dict({**written, "input": input}))
    errors = [one for one in found if one.severity == "error"]
    assert all(str(one.location) != str(error.location) for one in errors), (advice, str(error))


def holds(plan: Plan, values: Mapping[str, int]) -> bool:
    return all(eval(condition.text, {}, dict(values)) for condition in plan.conditions)


def test_verdicts_are_those_of_torch() -> None:
    drawn = Counter[str]()

    @settings(max_examples=settings().max_examples * 5)
    @given(models(), st.data())
    def law(written: dict[str, Any], data: st.DataObject) -> None:
        spec = netspec.from_dict(written)
        names = [size for size in dict.fromkeys(written["input"]["shape"]) if isinstance(size, str)]
        stated = {name: written["input"].get(name, {}) for name in names}
        # Interpolation of nothing fails on meta, with a TypeError of its own.
        near = {name: legal(range, 1) for name, range in stated.items()}
        errors = [found for found in netspec.check(spec) if found.severity == "error"]
        if not errors:
            plan = netspec.plan(spec)
            points = st.fixed_dictionaries({name: st.sampled_from(near[name]) for name in names})
            for values in data.draw(st.lists(points, min_size=1, max_size=3)):
                if not holds(plan, values):
                    drawn["against a condition"] += 1
                    assert tried(written, values) is None, (spec.to_yaml(), values, plan.conditions)
                    continue
                real = tried(written, values)
                assert real is not None, (spec.to_yaml(), values)
                rows = {row.path: row.output_shape for row in plan.layers}
                for name, value in {**real, "": list(real.values())[-1]}.items():
                    planned = rows.get(name, plan.output_shape if not name else None)
                    if planned is not None:
                        there = tuple(evaluate(size, values) for size in planned)
                        assert there == tuple(value.shape), (spec.to_yaml(), name, values)
                drawn["accepted"] += 1
            return
        (error,) = errors
        if "cannot be decided" in error.message or "is stretched only" in error.message:
            drawn["undecided"] += 1
            return
        told = {name: int(n) for name, n in re.findall(r"\b([NHW]) = (\d+)", error.message)}
        drawn["refused" if told else "refused always"] += 1
        for name, number in told.items():
            assert number in legal(stated[name], number)[:1], error
        # Sizes that the message does not name: any will do that are large enough.
        large = {name: (legal(range, 32) or legal(range)[-1:])[0] for name, range in stated.items()}
        assert tried(written, {**large, **told}) is None, str(error)
        for advice in error.help:
            if "`input`" in advice:
                drawn["advised"] += 1
                assert_mended(written, advice, error)

    law()
    for verdict in ("accepted", "refused", "refused always", "against a condition", "advised"):
        assert drawn[verdict] >= 3, drawn
