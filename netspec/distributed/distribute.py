"""One process of a distributed model: from a layout to its modules."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import torch
from torch import Tensor, distributed, nn
from torch.amp.grad_scaler import GradScaler
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from netspec.building import make_on_meta
from netspec.building.random import SeedBy
from netspec.building.weights import freeze
from netspec.diagnostics import Diagnostics, SpecError
from netspec.distributed.clipping import clip_grad_norm_, share_overflow
from netspec.distributed.materialise import allocate, draw, load
from netspec.distributed.pipeline import LossOf, Pipeline, pipeline_of, together
from netspec.distributed.randomness import seed_rank
from netspec.placement.actions import applied
from netspec.placement.context import Context
from netspec.placement.document import Placement
from netspec.placement.layout import Layout
from netspec.weights import Weights


@dataclass(frozen=True)
class Distributed:
    """What one process has of a model.

    ``model`` computes as the whole model does; under a pipeline it has the layers of this rank
    only, and its keys are a part of the whole's. ``parts`` are what is called: the stages of this
    rank, else the model.
    """

    model: nn.Module
    context: Context
    parts: tuple[nn.Module, ...]
    pipeline: Pipeline | None = field(default=None, repr=False)

    @property
    def device(self) -> torch.device:
        return self.context.device

    def part(self, batch: Tensor) -> Tensor:
        """What this process computes of a batch that all processes have.

        Raises:
            ValueError: it cannot be split equally.
        """
        layout = self.context.layout
        count, place = 1, 0
        for axis in layout.batch_axes:
            count *= layout.mesh.axes[axis]
            place = place * layout.mesh.axes[axis] + self.context.place(axis)
        if batch.shape[0] % count:
            raise ValueError(f"a batch of {batch.shape[0]} cannot be split over {count} ranks")
        return batch.chunk(count)[place]

    def step(
        self,
        inputs: Tensor,
        targets: Tensor,
        loss_of: LossOf,
        scaler: GradScaler | None = None,
    ) -> Tensor:
        """Forward and backward of this process's part of a batch; gives its loss.

        The same in every layout. ``loss_of(outputs, targets)`` is a mean over the batch. Optimizers
        step by themselves, after it. Gradients are added to those that are there.

        Args:
            scaler: scales the loss, for training in float16. Write it here and not in
                ``loss_of``, which only the last stage of a pipeline calls. Where one rank finds a
                gradient that is not finite, all ranks' scalers skip the optimizer's step.

        Raises:
            ValueError: the part cannot be split into the pipeline's microbatches.
        """
        if self.pipeline is not None:
            loss = self.pipeline.step(self.parts, inputs, targets, loss_of, scaler)
        else:
            loss = loss_of(self.model(inputs), targets)
            scaled = loss if scaler is None else scaler.scale(loss)
            scaled.backward()  # type: ignore[no-untyped-call]
        if scaler is not None and self.context.mesh is not None:
            share_overflow(list(self.model.parameters()), self.device)
        return loss.detach()

    def clip_grad_norm_(self, max_norm: float, *, error_if_nonfinite: bool = False) -> Tensor:
        """Scales the gradients so that the norm of all of them, over all ranks, is ``max_norm``.

        Called by all processes alike, between ``step`` and the optimizer's; gradients of a smaller
        norm stay. Returns the norm before, the same on every process. It is
        ``torch.nn.utils.clip_grad_norm_`` for any layout, which knows of one process's stage alone.

        Raises:
            RuntimeError: the norm is not finite, and ``error_if_nonfinite`` is set.
        """
        stages = None if self.pipeline is None else self.pipeline.mesh.get_group()
        return clip_grad_norm_(
            self.model.parameters(), stages, max_norm, error_if_nonfinite=error_if_nonfinite
        )

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the parts of a batch, on every process."""
        total = value.detach().clone()
        for axis in self.context.layout.batch_axes:
            mesh = self.context.axis(axis)
            distributed.all_reduce(total, group=mesh.get_group())
            total /= mesh.size()
        return total


def distribute(
    layout: Layout,
    *,
    device: torch.device,
    seed: int | None = None,
    seed_by: SeedBy = "order",
    init: bool = True,
    weights: Weights | None = None,
    dtype: torch.dtype | None = None,
) -> Distributed:
    """The modules of this process, with the weights that one process would have.

    Called by every process alike, as under ``torchrun``. ``seed`` is that of the weights, and of
    the random numbers of the process afterwards.

    Raises:
        SpecError: the weights are not the model's.
    """
    context = Context(layout, device, _mesh(layout, device))
    whole = make_on_meta(layout.plan)
    freeze(whole, layout.plan)
    if dtype is not None:
        whole.to(dtype)
    parts: tuple[nn.Module, ...] = (whole,)
    for action in layout.actions:
        parts = tuple([made for part in parts for made in applied(action, part, context)])
    for part in parts:
        allocate(part, layout.plan, device)
    model = together(parts)
    seed = _one_seed(seed, context)
    fresh = None
    if weights is not None:
        loaded = load(model, layout.plan, weights, dtype)
        fresh = loaded.fresh
        if context.mesh is None or distributed.get_rank() == 0:
            loaded.log()
    if fresh is None or fresh:
        draw(model, layout.plan, seed=seed, seed_by=seed_by, init=init, keys=fresh)
    if seed is not None:
        seed_rank(seed, context)
    return Distributed(model, context, parts, pipeline_of(context))


def of_one_process(
    model: nn.Module, layout: Layout, device: torch.device, seed: int | None
) -> Distributed:
    """A model that was built under a placement without a mesh, to be trained as under any other."""
    context = Context(layout, device)
    if seed is not None:
        seed_rank(seed, context)
    return Distributed(model, context, (model,), pipeline_of(context))


def require_ranks(layout: Layout, placement: Placement) -> None:
    """
    Raises:
        SpecError: there are more or fewer processes than the mesh has ranks.
    """
    ranks, count = layout.mesh.ranks, processes()
    if ranks == count:
        return
    found = Diagnostics()
    are = "this is one process" if count == 1 else f"there are {count} processes"
    found.error(
        "wrong-ranks",
        f"the mesh has {ranks} ranks, but {are}",
        placement.mesh_span(),
        help=[f"start it with `torchrun --nproc-per-node {ranks}`"],
    )
    raise SpecError(found.all())


def processes() -> int:
    if distributed.is_initialized():
        return distributed.get_world_size()
    number = os.environ.get("WORLD_SIZE", "")
    return int(number) if number.isdecimal() else 1


def own_device(device: torch.device) -> torch.device:
    """The device of this process, where its machine has several of the kind."""
    place = os.environ.get("LOCAL_RANK", "")
    if device.index is not None or device.type in ("cpu", "meta") or not place.isdecimal():
        return device
    return torch.device(device.type, int(place))


def _mesh(layout: Layout, device: torch.device) -> DeviceMesh | None:
    if not layout.mesh.axes:
        return None
    if not distributed.is_initialized():
        distributed.init_process_group(_backend(device.type))
    axes = layout.mesh.axes
    return init_device_mesh(device.type, tuple(axes.values()), mesh_dim_names=tuple(axes))


def _backend(device_type: str) -> str:
    """That of the device, and the cpu's beside it: on a machine with a GPU, torch's choice for all
    processes has none for models that are to be on the cpu.
    """
    own = distributed.get_default_backend_for_device(device_type)
    return own if device_type == "cpu" else f"cpu:gloo,{device_type}:{own}"


def _one_seed(seed: int | None, context: Context) -> int | None:
    """All ranks draw the same numbers: without a seed, rank 0 chooses one."""
    if seed is not None or context.mesh is None:
        return seed
    chosen = [int(torch.randint(2**63 - 1, ())) if distributed.get_rank() == 0 else 0]
    distributed.broadcast_object_list(chosen, src=0)
    return chosen[0]
