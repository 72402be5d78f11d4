"""Stages of a pipeline: slices of a chain that keep their keys, and the schedule over them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.amp.grad_scaler import GradScaler
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.pipelining import (
    PipelineStage,
    Schedule1F1B,
    ScheduleGPipe,
    ScheduleInterleaved1F1B,
)

from netspec.placement.context import Context

LossOf = Callable[[Tensor, Tensor], Tensor]

SCHEDULES: Mapping[str, Callable[..., Any]] = {
    "gpipe": ScheduleGPipe,
    "1f1b": Schedule1F1B,
    "interleaved": ScheduleInterleaved1F1B,
}


def pipeline(
    model: nn.Module,
    context: Context,
    *,
    axis: str,
    schedule: str,
    microbatches: int,
    stages: Sequence[Sequence[str]],
) -> tuple[nn.Module, ...]:
    """The stages of this rank, each by itself: stage ``s`` is on rank ``s % ranks``."""
    mine = range(context.place(axis), len(stages), context.axis(axis).size())
    return tuple([_slice(model, frozenset(stages[number])) for number in mine])


def _slice(module: nn.Module, units: Collection[str], path: str = "") -> nn.Sequential:
    """The containers of a chain with some of its layers, under their names."""
    kept = nn.Sequential()
    for name, child in module.named_children():
        inner = f"{path}.{name}" if path else name
        if inner in units:
            kept.add_module(name, child)
        elif any(unit.startswith(f"{inner}.") for unit in units):
            kept.add_module(name, _slice(child, units, inner))
    return kept


def together(parts: Sequence[nn.Module]) -> nn.Module:
    """One module with the layers of all parts under their names."""
    if len(parts) == 1:
        return parts[0]
    whole = nn.Sequential()
    children: dict[str, list[nn.Module]] = {}
    for part in parts:
        for name, child in part.named_children():
            children.setdefault(name, []).append(child)
    for name, found in children.items():
        whole.add_module(name, together(found))
    return whole


def pipeline_of(context: Context) -> Pipeline | None:
    """The schedule of a layout that has a pipeline."""
    for action in context.layout.actions:
        if action.word == "pipeline":
            settings = action.settings
            return Pipeline(
                context.axis(settings["axis"]),
                context.device,
                settings["schedule"],
                settings["microbatches"],
                len(settings["stages"]),
            )
    return None


@dataclass(frozen=True)
class Pipeline:
    """How batches pass through the stages; schedules are made when a first batch has its shape."""

    mesh: DeviceMesh
    device: torch.device
    schedule: str
    microbatches: int
    stages: int
    made: dict[object, Any] = field(default_factory=dict, repr=False)

    def step(
        self,
        parts: Sequence[nn.Module],
        inputs: Tensor,
        targets: Tensor,
        loss_of: LossOf,
        scaler: GradScaler | None = None,
    ) -> Tensor:
        """Forward and backward of a batch, which all ranks give; its loss, on all ranks.

        Raises:
            ValueError: the batch cannot be split into the microbatches.
        """
        if inputs.shape[0] % self.microbatches:
            raise ValueError(
                f"a batch of {inputs.shape[0]} cannot be split into {self.microbatches} equal "
                "microbatches"
            )
        if scaler is not None:
            scaler.scale(torch.zeros((), device=self.device))  # begins it on each rank
        key = (loss_of, scaler, inputs.shape, inputs.dtype)
        if key not in self.made:
            self.made.clear()
            self.made[key] = self._schedule(parts, loss_of, scaler)
        place, ranks = self.mesh.get_local_rank(), self.mesh.size()
        losses: list[Tensor] = []
        given = (inputs,) if place == 0 else ()
        ending = {"target": targets, "losses": losses} if place == ranks - 1 else {}
        self.made[key].step(*given, **ending)
        loss = torch.zeros((), device=self.device)
        if losses:
            loss = torch.stack(losses).sum().detach().float()
            loss = loss if scaler is None else loss / scaler.get_scale()
        group = self.mesh.get_group()
        last = distributed.get_global_rank(group, ranks - 1)
        distributed.broadcast(loss, src=last, group=group)
        return loss

    def _schedule(
        self, parts: Sequence[nn.Module], loss_of: LossOf, scaler: GradScaler | None
    ) -> Any:
        group, place = self.mesh.get_group(), self.mesh.get_local_rank()
        stages = [
            PipelineStage(
                part, place + number * self.mesh.size(), self.stages, self.device, group=group
            )
            for number, part in enumerate(parts)
        ]
        first: Any = stages if self.schedule == "interleaved" else stages[0]

        def part_of_loss(outputs: Tensor, targets: Tensor) -> Tensor:
            loss = loss_of(outputs, targets) / self.microbatches
            return loss if scaler is None else scaler.scale(loss)

        # Losses are scaled, not gradients: those may hold the sum of earlier steps.
        return SCHEDULES[self.schedule](
            first, self.microbatches, loss_fn=part_of_loss, scale_grads=False
        )
