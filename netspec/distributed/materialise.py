"""Weights for a model of shards on meta: each rank makes and reads only its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from netspec.building.loading import fitting_tensors
from netspec.building.modules import in_construction_order, make_layer, make_on_meta
from netspec.building.random import SeedBy, begin_layer, seeded
from netspec.building.weights import initialise, tie
from netspec.planning import Plan


def allocate(model: nn.Module, plan: Plan, device: torch.device) -> None:
    """Memory for what this rank holds; its values are those of no time."""
    model.to_empty(device=device)
    tie(model, plan)


def draw(model: nn.Module, plan: Plan, *, seed: int | None, seed_by: SeedBy = "order") -> None:
    """Fresh weights, those of one process under the same seed.

    Layers are made one by one in full, and a rank keeps its part. ``seed`` has to be given where
    there are several ranks, since they draw the same numbers.
    """
    own_streams = seed if seed_by == "path" else None
    tied = {key for one in plan.ties for key in one.others}
    held = {key: value for key, value in _held(model).items() if key not in tied}
    with seeded(seed):
        for layer in in_construction_order(plan):
            mine = _is_there(model, layer.path)
            if own_streams is not None:
                if not mine:
                    continue
                begin_layer(own_streams, layer.path)
            made = make_layer(layer, init=True)
            if mine:
                _take(model, layer.path, made, held)
        initialise(make_on_meta(plan), plan, own_streams, _filling(held))


def load(
    model: nn.Module, plan: Plan, file: str | os.PathLike[str], dtype: torch.dtype | None
) -> None:
    """The weights of a file, of which a rank reads its part.

    Raises:
        SpecError: the file is not that of the model.
    """
    tensors = fitting_tensors(make_on_meta(plan), plan, file, dtype)
    for key, target in _held(model).items():
        if key in tensors:
            keep_part(target, tensors[key])
    for layer in in_construction_order(plan):
        if _is_there(model, layer.path) and _computes(model.get_submodule(layer.path)):
            _take(model, layer.path, make_layer(layer), {})


def keep_part(target: Tensor, whole: Tensor) -> None:
    """Copies what a rank holds of a tensor; of a mapped file nothing else is read."""
    with torch.no_grad():
        if not isinstance(target, DTensor):
            target.copy_(whole)
            return
        sizes, offsets = compute_local_shape_and_global_offset(
            target.shape, target.device_mesh, target.placements
        )
        part = whole[tuple(slice(at, at + size) for at, size in zip(offsets, sizes, strict=True))]
        target.to_local().copy_(part)


def _filling(
    held: Mapping[str, Tensor],
) -> Callable[[str, Tensor, Callable[[Tensor], object]], None]:
    """Draws a parameter in full, and keeps a part of it where it is held here."""

    def fill(key: str, parameter: Tensor, begin: Callable[[Tensor], object]) -> None:
        whole = torch.empty(parameter.shape, dtype=parameter.dtype)
        with torch.no_grad():
            begin(whole)
        if key in held:
            keep_part(held[key], whole)

    return fill


def _take(model: nn.Module, path: str, made: nn.Module, wanted: Mapping[str, Tensor]) -> None:
    """The values of a layer that was made in full: those of ``wanted``, and what no file has."""
    parts = dict(model.get_submodule(path).named_modules())
    for inner, source in made.named_modules():
        part = parts[inner]
        for name, value in {**source._parameters, **source._buffers}.items():
            key = ".".join(filter(None, (path, inner, name)))
            if name in source._non_persistent_buffers_set:
                keep_part(part.get_buffer(name), source.get_buffer(name))
            elif value is not None and key in wanted:
                keep_part(wanted[key], value)
        for name, value in vars(part).items():
            if isinstance(value, Tensor) and value.is_meta:
                device = next((p.device for p in model.parameters()), torch.device("cpu"))
                setattr(part, name, getattr(source, name).to(device))


def _computes(module: nn.Module) -> bool:
    """Whether something in a layer is in no file."""
    return any(
        part._non_persistent_buffers_set
        or any(isinstance(value, Tensor) and value.is_meta for value in vars(part).values())
        for part in module.modules()
    )


def _held(model: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of this rank by key, tied ones by each of theirs."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }


def _is_there(model: nn.Module, path: str) -> bool:
    try:
        model.get_submodule(path)
    except AttributeError:
        return False
    return True
