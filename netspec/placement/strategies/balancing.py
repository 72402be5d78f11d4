"""A chain of layers dealt out to the devices of one process, by what the plan says they take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from netspec.accounting import Choices, estimate
from netspec.accounting.sizes import batch_name, complete_sizes
from netspec.declaration import Refusal
from netspec.placement.layout import Layout
from netspec.placement.strategies.one_process import (
    require_one_process,
    require_ties_on_one_device,
)
from netspec.placement.strategy import strategy
from netspec.planning import PlannedChild, PlannedLayer, PlannedScope
from netspec.render.table import amount

Dtype = Literal["float32", "float64", "float16", "bfloat16"]
Optimizer = Literal["sgd", "sgd_momentum", "rmsprop", "adagrad", "adam", "adamw"]
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]?)(?:iB|B)\Z")


@strategy("", order=10, obvious="devices")
def balance(
    layout: Layout,
    /,
    *,
    devices: tuple[str, ...] = (),
    batch: int | None = None,
    sizes: tuple[str, ...] = (),
    dtype: Dtype = "float32",
    optimizer: Optimizer | None = "adamw",
    training: bool = True,
    **memory: str,
) -> Layout:
    """Layers go to the devices in their order, so that each is as full as the others.

    ``memory`` is what a device may hold, by its name (``cuda:0: 20GiB``); without it all are
    filled alike. With a ``batch`` (and ``sizes``: ``[T=128]``) what is saved for backward counts,
    too; else the weights, gradients and the optimizer's state alone.
    """
    require_one_process(layout, "balance")
    limits = _limits(devices, memory)
    units = _units(layout.plan.root)
    taken = _bytes_of(layout, units, batch, sizes, dtype, optimizer if training else None, training)
    whole = sum(taken)
    capacities = [whole if limit is None else limit for limit in limits.values()]
    if sum(capacities) < whole or _dealt(taken, capacities, 1.0) is None:
        raise Refusal(_too_much(units, taken, limits), help="give more memory, or more devices")
    low, high = 0.0, 1.0  # of each device's capacity
    for _ in range(40):
        middle = (low + high) / 2
        if _dealt(taken, capacities, middle) is None:
            low = middle
        else:
            high = middle
    dealt = _dealt(taken, capacities, high)
    assert dealt is not None
    names = list(limits)
    chosen = {
        row.path: names[at]
        for unit, at in zip(units, dealt, strict=True)
        for row in layout.rows(unit.path)
    }
    require_ties_on_one_device(layout, chosen)
    changes = {path: layout.placed(path)._replace(device=each) for path, each in chosen.items()}
    notes = _notes(units, taken, dealt, limits)
    return layout.changed(changes).noted(*notes)


def _limits(devices: Sequence[str], memory: Mapping[str, str]) -> dict[str, int | None]:
    """The bytes that each device may hold, in the order of the text; None where none is written.

    Raises:
        Refusal: there is no device, or no amount can be read.
    """
    limits: dict[str, int | None] = dict.fromkeys(devices)
    for device, text in memory.items():
        read = AMOUNT.match(text)
        if read is None:
            message = f"the memory of {device} is {text!r}, which is no amount"
            raise Refusal(message, argument=device, help="write for example `20GiB`")
        limits[device] = int(float(read[1]) * UNITS[read[2]])
    if not limits:
        raise Refusal("balance needs devices", help="write `balance: [cuda:0, cuda:1]`")
    return limits


def _units(root: PlannedScope) -> list[PlannedChild]:
    """What is dealt out: the layers of chains, and whole modules that are wired otherwise."""
    units: list[PlannedChild] = []
    waiting: list[PlannedChild] = [*reversed(root.children)]
    while waiting:
        child = waiting.pop()
        if isinstance(child, PlannedLayer) or child.steps is not None:
            units.append(child)
        else:
            waiting.extend(reversed(child.children))
    return units


def _bytes_of(
    layout: Layout,
    units: Sequence[PlannedChild],
    batch: int | None,
    sizes: Sequence[str],
    dtype: str,
    optimizer: str | None,
    is_training: bool,
) -> list[int]:
    """What each unit takes, as if it were alone on a device.

    Raises:
        Refusal: the sizes are not those of the model's inputs.
    """
    names = [f"unit {at}" for at in range(len(units))]
    alone = {
        row.path: layout.placed(row.path)._replace(device=name)
        for unit, name in zip(units, names, strict=True)
        for row in layout.rows(unit.path)
    }
    has_sizes = batch is not None or bool(sizes)
    try:
        values = complete_sizes(layout.plan, batch, _sizes(sizes)) if has_sizes else None
    except ValueError as problem:
        raise Refusal(str(problem), argument="sizes" if sizes else "batch") from None
    choices = Choices(values, batch_name(layout.plan), dtype, optimizer, is_training, device="")
    by_name = {one.device: one for one in estimate(layout.changed(alone), choices).devices}
    found = []
    for name in names:
        one = by_name.get(name)
        held = 0 if one is None else one.state + one.gradients
        if one is not None and has_sizes:
            held += one.saved if is_training else one.peak - one.state
        found.append(held)
    return found


def _sizes(written: Sequence[str]) -> dict[str, int]:
    """``[T=128]``

    Raises:
        ValueError: it is none.
    """
    found = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals or not value.isdecimal() or len(value) > 12:
            raise ValueError(f"{text!r} is no size: write for example `T=128`")
        found[name] = int(value)
    return found


def _dealt(taken: Sequence[int], capacities: Sequence[int], part: float) -> list[int] | None:
    """The device of each unit, where each device is filled to a part; None where it is too much."""
    dealt = []
    at, filled = 0, 0
    for nbytes in taken:
        while filled + nbytes > capacities[at] * part:
            at, filled = at + 1, 0
            if at == len(capacities):
                return None
        filled += nbytes
        dealt.append(at)
    return dealt


def _too_much(
    units: Sequence[PlannedChild], taken: Sequence[int], limits: Mapping[str, int | None]
) -> str:
    have = ", ".join(f"{device} {amount(limit or 0)}" for device, limit in limits.items())
    largest = max(range(len(units)), key=lambda at: taken[at])
    return (
        f"the model takes {amount(sum(taken))}, which does not fit: {have}; the largest part that "
        f"cannot be divided is `{units[largest].path}` with {amount(taken[largest])}"
    )


def _notes(
    units: Sequence[PlannedChild],
    taken: Sequence[int],
    dealt: Sequence[int],
    limits: Mapping[str, int | None],
) -> list[str]:
    """``cuda:0: 12.1 GiB of 20.0 GiB, from `embed` to `layers.15```"""
    notes = []
    for at, (device, limit) in enumerate(limits.items()):
        own = [number for number, where in enumerate(dealt) if where == at]
        if not own:
            notes.append(f"{device}: nothing")
            continue
        of = "" if limit is None else f" of {amount(limit)}"
        first, last = units[own[0]].path, units[own[-1]].path
        span = f"`{first}`" if first == last else f"`{first}` to `{last}`"
        notes.append(f"{device}: {amount(sum(taken[n] for n in own))}{of}, {span}")
    return notes
