"""What torch itself says of the memory of a training step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributed._tools.mem_tracker import MemTracker

from bench.gpu.step import train
from netspec.testing.observation import SavedStorages


class Measured(NamedTuple):
    """Bytes; ``peak`` is that of torch's own MemTracker, in the second step."""

    parameters: int
    gradients: int
    optimizer: int
    buffers: int
    saved: int
    peak: int


def measure(
    model: nn.Module,
    inputs: Iterable[Tensor],
    make: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
) -> Measured:
    """Two steps, of which the second is measured."""
    inputs = tuple(inputs)
    model.train()
    optimizer = make(model.parameters())

    with SavedStorages(model) as saved:
        output = model(*inputs)
    kept = saved.nbytes
    del saved, output
    train(model, optimizer, *inputs)
    gradients = nbytes(p.grad for p in model.parameters())
    optimizer.zero_grad()
    tracker = MemTracker()
    tracker.track_external(model, optimizer, *inputs)
    with tracker:
        train(model, optimizer, *inputs)
    (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    state = [v for one in optimizer.state.values() for v in one.values() if isinstance(v, Tensor)]
    return Measured(
        nbytes(model.parameters()),
        gradients,
        nbytes(state),
        nbytes(model.buffers()),
        kept,
        snapshot["Total"],
    )


def measure_inference(model: nn.Module, inputs: Iterable[Tensor]) -> int:
    """The peak of a forward pass without gradients, by torch's own MemTracker."""
    inputs = tuple(inputs)
    model.eval()
    tracker = MemTracker()
    tracker.track_external(model, *inputs)
    with tracker, torch.no_grad():
        model(*inputs)
    (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    peak: int = snapshot["Total"]
    return peak


def allocated(work: Callable[[], object]) -> int:
    """The most bytes that torch's allocator of the cpu has given at once, without gradients."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with (
        torch.no_grad(),
        torch.profiler.profile(activities=activities, profile_memory=True) as seen,
    ):
        work()
    assert seen.profiler is not None
    events = [one for one in seen.profiler.kineto_results.events() if one.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda one: one.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def nbytes(tensors: Iterable[Tensor | None]) -> int:
    """The bytes of all storages, each once."""
    storages = [one.untyped_storage() for one in tensors if one is not None]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
