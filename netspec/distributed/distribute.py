"""One process of a distributed model: from a layout to its modules."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from netspec.building import make_on_meta
from netspec.building.random import SeedBy
from netspec.declaration import imported
from netspec.diagnostics import Diagnostics, SpecError
from netspec.distributed.context import Context
from netspec.distributed.materialise import allocate, draw, load
from netspec.placement.document import Placement
from netspec.placement.layout import Layout


@dataclass(frozen=True)
class Distributed:
    """What one process has of a model.

    ``model`` computes as the whole model does; under a pipeline it is the part of this rank.
    """

    model: nn.Module
    context: Context

    @property
    def device(self) -> torch.device:
        return self.context.device


def distribute(
    layout: Layout,
    *,
    device: torch.device,
    seed: int | None = None,
    seed_by: SeedBy = "order",
    init: bool = True,
    weights: str | os.PathLike[str] | None = None,
    dtype: torch.dtype | None = None,
) -> Distributed:
    """The modules of this process, with the weights that one process would have.

    Called by every process alike, as under ``torchrun``.

    Raises:
        SpecError: the weights are not the model's.
    """
    context = Context(layout, device, _mesh(layout, device))
    model = make_on_meta(layout.plan)
    if dtype is not None:
        model.to(dtype)
    for action in layout.actions:
        model = imported(action.target)(model, context, **action.settings)
    allocate(model, layout.plan, device)
    if weights is not None:
        load(model, layout.plan, weights, dtype)
    elif init:
        draw(model, layout.plan, seed=_one_seed(seed, context), seed_by=seed_by)
    return Distributed(model, context)


def require_ranks(layout: Layout, placement: Placement) -> None:
    """
    Raises:
        SpecError: there are more or fewer processes than the mesh has ranks.
    """
    ranks, processes = layout.mesh.ranks, _processes()
    if ranks == processes:
        return
    found = Diagnostics()
    are = "this is one process" if processes == 1 else f"there are {processes} processes"
    found.error(
        "wrong-ranks",
        f"the mesh has {ranks} ranks, but {are}",
        placement.mesh_span(),
        help=[f"start it with `torchrun --nproc-per-node {ranks}`"],
    )
    raise SpecError(found.all())


def _processes() -> int:
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
        distributed.init_process_group()
    axes = layout.mesh.axes
    return init_device_mesh(device.type, tuple(axes.values()), mesh_dim_names=tuple(axes))


def _one_seed(seed: int | None, context: Context) -> int | None:
    """All ranks draw the same numbers: without a seed, rank 0 chooses one."""
    if seed is not None or context.mesh is None:
        return seed
    chosen = [torch.seed() % 2**63 if distributed.get_rank() == 0 else 0]
    distributed.broadcast_object_list(chosen, src=0)
    return chosen[0]
