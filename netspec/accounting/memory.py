"""What is told of memory: frozen values, in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class DeviceMemory(NamedTuple):
    """The bytes that a device holds for one process in a training step, or in a forward pass.

    ``saved`` is what autograd keeps for the backward pass. ``communication`` are the buffers in
    which weights are gathered that are elsewhere, or gradients averaged. ``peak`` is the most that
    is there at once: less than all of them together, since gradients come while what was saved
    goes.
    """

    device: str
    parameters: int
    gradients: int
    optimizer: int
    buffers: int
    saved: int
    communication: int
    peak: int

    @property
    def state(self) -> int:
        """What stays between two steps, without gradients."""
        return self.parameters + self.optimizer + self.buffers


class RankMemory(NamedTuple):
    """Ranks that hold as much as each other; ``ranks`` are ranges, in their order."""

    ranks: tuple[range, ...]
    devices: tuple[DeviceMemory, ...]

    @property
    def peak(self) -> int:
        return sum(device.peak for device in self.devices)

    def names(self) -> str:
        """``ranks 0-6, 8`` or ``rank 7``."""
        parts = [
            str(one.start) if len(one) == 1 else f"{one.start}-{one.stop - 1}" for one in self.ranks
        ]
        many = len(self.ranks) > 1 or len(self.ranks[0]) > 1
        return f"rank{'s' if many else ''} {', '.join(parts)}"


@dataclass(frozen=True)
class Memory:
    """What each process holds; processes that hold as much are told together.

    ``sizes`` are the values of the input's named sizes, in one process; ``notes`` are what the
    strategies of the placement tell.
    """

    ranks: tuple[RankMemory, ...]
    sizes: dict[str, int]
    dtype: str
    optimizer: str | None
    is_training: bool
    mesh: dict[str, int]
    parameter_count: int
    notes: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[DeviceMemory, ...]:
        """Those of the first rank: all that there are without a mesh."""
        return self.ranks[0].devices

    @property
    def peak(self) -> int:
        """The most that a device holds at once."""
        return max(device.peak for group in self.ranks for device in group.devices)

    @property
    def all_ranks(self) -> int:
        """What all ranks hold together at their peaks."""
        return sum(
            device.peak * sum(len(ranks) for ranks in group.ranks)
            for group in self.ranks
            for device in group.devices
        )
