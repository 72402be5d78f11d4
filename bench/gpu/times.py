"""Forward passes and training steps, next to hand-written code; samples alternate."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
from torch import nn

import netspec
from bench.gpu.step import train
from bench.gpu.subjects import Subject
from bench.measure import Line

AIM = 1.02
Work = Callable[[], object]


def lines(
    subject: Subject, device: torch.device, dtype: str, *, is_compiled: bool, rounds: int
) -> list[Line]:
    """A forward pass and a training step; without compilation also by hand twice, the noise."""
    assert subject.by_hand is not None
    ours = netspec.build(subject.plan, device=str(device), dtype=dtype)
    theirs = subject.by_hand().to(device, getattr(torch, dtype))
    theirs.load_state_dict(ours.state_dict())
    given = subject.make_input(device, getattr(torch, dtype))
    with torch.no_grad():
        one, other = ours.eval()(given).float(), theirs.eval()(given).float()
        assert (one - other).norm() <= 0.05 * other.norm(), "they do not compute the same"
        del one, other
    again = copy.deepcopy(theirs)
    how = "compiled" if is_compiled else "eager"
    models = [ours, theirs] if is_compiled else [ours, theirs, again]
    called = [torch.compile(model) if is_compiled else model for model in models]
    both = list(zip(models, called, strict=True))
    found = []
    for kind, works in (
        ("forward", [_forward(model, call, given) for model, call in both]),
        ("training step", [_training(model, call, given) for model, call in both]),
    ):
        what = f"{subject.name} {dtype}, {how}, {kind}"
        samples = _alternating(works, device, rounds)
        found.append(Line(what, samples[0], samples[1], AIM))
        if not is_compiled:
            found.append(Line(f"- by hand twice: the noise ({kind})", samples[2], samples[1]))
    return found


def _forward(model: nn.Module, called: Callable[..., object], given: torch.Tensor) -> Work:
    def work() -> None:
        model.eval()
        with torch.no_grad():
            called(given)

    return work


def _training(model: nn.Module, called: Callable[..., object], given: torch.Tensor) -> Work:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)

    def work() -> None:
        model.train()
        optimizer.zero_grad()
        train(called, optimizer, given)  # type: ignore[arg-type]

    return work


def _alternating(works: list[Work], device: torch.device, rounds: int) -> list[tuple[float, ...]]:
    """Seconds of each; a sample is of as many calls as take a tenth of a second."""
    for work in works:
        for _ in range(3):
            work()
    taken = _seconds(works[0], device, 1)
    times = max(1, min(50, round(0.1 / max(taken, 1e-6))))
    samples: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, kept in zip(works, samples, strict=True):
            taken = _seconds(work, device, times)
            if number:
                kept.append(taken)
    return [tuple(one) for one in samples]


def _seconds(work: Work, device: torch.device, times: int) -> float:
    _wait(device)
    start = time.perf_counter()
    for _ in range(times):
        work()
    _wait(device)
    return (time.perf_counter() - start) / times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
