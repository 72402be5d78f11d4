"""Memory told in advance beside what torch counts in a training step."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

import netspec
from bench.gpu.step import train
from bench.gpu.subjects import Subject

MIB = 2**20


@dataclass(frozen=True)
class Compared:
    """Bytes; ``workspaces`` are those of cuBLAS and cuDNN, which no plan knows."""

    what: str
    told_state: int
    state: int
    told_saved: int
    saved: int
    told_peak: int
    peak: int
    workspaces: int

    @property
    def ratio(self) -> float:
        return self.told_peak / (self.peak - self.workspaces)

    def values(self) -> dict[str, object]:
        return asdict(self) | {"ratio": self.ratio}

    def cells(self) -> tuple[str, ...]:
        numbers = (
            self.told_state,
            self.state,
            self.told_saved,
            self.saved,
            self.told_peak,
            self.peak,
            self.workspaces,
        )
        return (self.what, *[f"{number / MIB:,.1f}" for number in numbers], f"{self.ratio:.3f}")


HEAD = (
    "MiB", "state told", "state", "saved told", "saved", "peak told", "peak", "workspaces", "ratio"
)  # fmt: skip


def compare(subject: Subject, device: torch.device, dtype: str, foreach: bool) -> Compared:
    """A training step with AdamW, after two others."""
    (told,) = netspec.memory(
        subject.plan,
        batch=subject.batch,
        sizes=subject.sizes,
        dtype=dtype,
        optimizer="adamw",
        device=device.type,
        foreach=foreach,
    ).devices
    model = netspec.build(subject.plan, device=str(device), dtype=dtype).train()
    given = subject.make_input(device, getattr(torch, dtype))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, foreach=foreach)
    for _ in range(2):
        optimizer.zero_grad()
        train(model, optimizer, given)
    optimizer.zero_grad()
    state = _nbytes([*model.parameters(), *model.buffers(), *_state(optimizer, device)])
    what = f"{subject.name} {dtype}, AdamW foreach={foreach}"
    if device.type != "cuda":
        peak, saved = _tracked(model, optimizer, given)
        return Compared(what, told.state, state, told.saved, saved, told.peak, peak, 0)
    gc.collect()
    torch.cuda.synchronize(device)
    before = torch.cuda.memory_allocated(device)
    output = model(given)
    saved = torch.cuda.memory_allocated(device) - before - _nbytes([output])
    del output
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    train(model, optimizer, given)
    torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device)
    workspaces = max(before - state - _nbytes([given]), 0)
    return Compared(what, told.state, state, told.saved, saved, told.peak, peak, workspaces)


def _tracked(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, given: Tensor
) -> tuple[int, int]:
    """On a cpu torch's MemTracker counts."""
    from torch.distributed._tools.mem_tracker import MemTracker

    tracker = MemTracker()
    tracker.track_external(model, optimizer, given)
    with tracker:
        train(model, optimizer, given)
    (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    return snapshot["Total"], 0


def _state(optimizer: torch.optim.Optimizer, device: torch.device) -> list[Tensor]:
    return [
        value
        for one in optimizer.state.values()
        for value in one.values()
        if isinstance(value, Tensor) and value.device.type == device.type
    ]


def _nbytes(tensors: Iterable[Tensor]) -> int:
    """The bytes of all storages, each once."""
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage() for one in tensors}
    return sum(storage.nbytes() for storage in storages.values())
