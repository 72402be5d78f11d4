"""Memory as a table, and as what ``json.dump`` takes."""

from __future__ import annotations

from typing import Any

from netspec.accounting import DeviceMemory, Memory, RankMemory
from netspec.amounts import amount, number
from netspec.render.columns import Column, columns

_PARTS = ("parameters", "gradients", "optimizer", "buffers", "saved", "communication")
_HEADS = (
    Column("device", least=8),
    Column("parameters", right=True),
    Column("gradients", right=True),
    Column("optimizer", right=True),
    Column("buffers", right=True, optional=True),
    Column("saved", right=True),
    Column("gathered", right=True),
    Column("peak", right=True),
)


def memory_table(memory: Memory, width: int | None = None) -> str:
    """A line for each device, or for each device of ranks that hold as much."""
    has_mesh = bool(memory.mesh)
    rows = [
        (_where(group, device, has_mesh), *_cells(device))
        for group in memory.ranks
        for device in group.devices
    ]
    heads = (Column("ranks" if has_mesh else "device", least=8), *_HEADS[1:])
    used = [0, *[at for at in range(1, len(heads)) if any(row[at] != "-" for row in rows)]]
    table = columns([heads[at] for at in used], [[row[at] for at in used] for row in rows], width)
    return "\n".join([*_about(memory), "", *table, "", *_totals(memory)])


def _where(group: RankMemory, device: DeviceMemory, has_mesh: bool) -> str:
    if not has_mesh:
        return device.device
    several = f" {device.device}" if len(group.devices) > 1 else ""
    return f"{group.names()}{several}"


def _cells(device: DeviceMemory) -> list[str]:
    values = [getattr(device, part) for part in _PARTS]
    return [*[amount(value) if value else "-" for value in values], amount(device.peak)]


def _about(memory: Memory) -> list[str]:
    sizes = ", ".join(f"{name}={value}" for name, value in memory.sizes.items())
    what = "a training step" if memory.is_training else "a forward pass"
    how = f" with {memory.optimizer}" if memory.optimizer else ""
    at = f", {sizes}" if sizes else ""
    lines = [f"{what}{how} in {memory.dtype}{at}"]
    if memory.mesh:
        axes = ", ".join(f"{name}: {count}" for name, count in memory.mesh.items())
        ranks = sum(len(ranks) for group in memory.ranks for ranks in group.ranks)
        parameters = number(memory.parameter_count)
        lines.append(f"{parameters} parameters on {ranks:,} ranks (mesh {axes})")
    return lines


def _totals(memory: Memory) -> list[str]:
    lines = [*memory.notes, *[""] * bool(memory.notes)]
    lines.append("peak is the most that is there at once, without what the loss makes")
    if memory.mesh:
        most = amount(memory.peak)
        lines.append(f"{most} at most on one rank, {amount(memory.all_ranks)} on all of them")
    return lines


def memory_values(memory: Memory) -> dict[str, Any]:
    """All numbers are bytes; the ends of ranges of ranks are inclusive."""
    return {
        "sizes": memory.sizes,
        "dtype": memory.dtype,
        "optimizer": memory.optimizer,
        "training": memory.is_training,
        "mesh": memory.mesh,
        "total_params": memory.parameter_count,
        "peak": memory.peak,
        "peak_of_all_ranks": memory.all_ranks,
        "notes": list(memory.notes),
        "ranks": [
            {
                "ranks": [[one.start, one.stop - 1] for one in group.ranks],
                "peak": group.peak,
                "devices": [device._asdict() for device in group.devices],
            }
            for group in memory.ranks
        ],
    }
