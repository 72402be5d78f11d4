"""A chain of layers dealt out to the devices of one process, by what the plan says they take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from netspec.accounting import Choices, estimate
from netspec.accounting.sizes import complete_sizes
from netspec.amounts import amount
from netspec.declaration import Refusal
from netspec.placement.layout import Layout, Placed
from netspec.placement.strategies.one_process import require_one_process
from netspec.placement.strategy import strategy
from netspec.placement.ties import require_ties_together
from netspec.planning import PlannedChild, PlannedLayer, PlannedScope

Dtype = Literal["float32", "float64", "float16", "bfloat16"]
Optimizer = Literal["sgd", "sgd_momentum", "rmsprop", "adagrad", "adam", "adamw"]
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
MOST_TRIES = 10
HELP = "give more memory, or more devices: layers are dealt out in their order"
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
    has_sizes = batch is not None or bool(sizes)
    try:
        values = complete_sizes(layout.plan, batch, _sizes(sizes)) if has_sizes else None
    except ValueError as problem:
        raise Refusal(str(problem), argument="sizes" if sizes else "batch") from None
    choices = Choices(values, None, dtype, optimizer if training else None, training, device="")
    taken = _taken(layout, units, choices)
    rooms = [sum(taken) if limit is None else limit for limit in limits.values()]
    for _ in range(MOST_TRIES):
        dealt = _evenly(taken, rooms)
        if dealt is None:
            break
        names = [list(limits)[at] for at in dealt]
        placed = layout.changed(_placed(layout, units, names))
        peaks = {one.device: one.peak for one in estimate(placed, choices).devices}
        beyond = [
            0 if limit is None else max(0, peaks.get(device, 0) - limit)
            for device, limit in limits.items()
        ]
        if not any(beyond):
            instead = "write `devices` in place of `balance`, with one device for both"
            require_ties_together(placed, instead)
            return placed.noted(*_notes(units, names, peaks, limits))
        rooms = [room - nbytes for room, nbytes in zip(rooms, beyond, strict=True)]
    raise Refusal(_too_much(units, taken, rooms, limits), help=HELP)


def _evenly(taken: Sequence[int], rooms: Sequence[int]) -> list[int] | None:
    """The device of each unit, so that none is fuller than needs be; None where it is too much."""
    if _dealt(taken, rooms, 1.0) is None:
        return None
    low, high = 0.0, 1.0  # of each device's room
    for _ in range(40):
        middle = (low + high) / 2
        if _dealt(taken, rooms, middle) is None:
            low = middle
        else:
            high = middle
    return _dealt(taken, rooms, high)


def _placed(
    layout: Layout, units: Sequence[PlannedChild], devices: Sequence[str]
) -> dict[str, Placed]:
    """The layers of each unit on its device."""
    return {
        row.path: layout.placed(row.path)._replace(device=device)
        for unit, device in zip(units, devices, strict=True)
        for row in layout.rows(unit.path)
    }


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
        if isinstance(child, PlannedLayer) or not child.graph.is_chain:
            units.append(child)
        else:
            waiting.extend(reversed(child.children))
    return units


def _taken(layout: Layout, units: Sequence[PlannedChild], choices: Choices) -> list[int]:
    """What each unit takes, as if it were alone on a device."""
    names = [f"unit {at}" for at in range(len(units))]
    alone = layout.changed(_placed(layout, units, names))
    by_name = {one.device: one for one in estimate(alone, choices).devices}
    found = []
    for name in names:
        one = by_name.get(name)
        found.append(0 if one is None else one.state + one.gradients + one.saved)
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
    units: Sequence[PlannedChild],
    taken: Sequence[int],
    rooms: Sequence[int],
    limits: Mapping[str, int | None],
) -> str:
    """What each device gets until one part finds no room."""
    filled = [0] * len(rooms)
    at = number = 0
    while at < len(rooms) and number < len(units):
        if filled[at] + taken[number] > rooms[at]:
            at += 1
        else:
            filled[at] += taken[number]
            number += 1
    parts = []
    for device, room, nbytes in zip(limits, rooms, filled, strict=True):
        limit = limits[device] or 0
        step = f", {amount(limit - room)} of it for what a step makes," if limit > room else ""
        parts.append(f"{device} has {amount(limit)}{step} and gets {amount(nbytes)}")
    last = min(number, len(units) - 1)
    return (
        f"the model takes {amount(sum(taken))}: {'; '.join(parts)}; there is no room for "
        f"`{units[last].path}` with {amount(taken[last])}"
    )


def _notes(
    units: Sequence[PlannedChild],
    names: Sequence[str],
    peaks: Mapping[str, int],
    limits: Mapping[str, int | None],
) -> list[str]:
    """``cuda:0: 12.1 GiB of 20.0 GiB, `embed` to `layers.15```"""
    notes = []
    for device, limit in limits.items():
        own = [unit.path for unit, name in zip(units, names, strict=True) if name == device]
        if not own:
            notes.append(f"{device}: nothing")
            continue
        of = "" if limit is None else f" of {amount(limit)}"
        span = f"`{own[0]}`" if len(own) == 1 else f"`{own[0]}` to `{own[-1]}`"
        notes.append(f"{device}: {amount(peaks.get(device, 0))}{of}, {span}")
    return notes
