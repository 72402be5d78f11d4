"""Weights for a model of shards on meta: each rank makes and reads only its own."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from netspec.building import drawing
from netspec.building.loading import fill
from netspec.building.modules import in_construction_order, make_layer, make_on_meta
from netspec.building.random import SeedBy
from netspec.building.weights import tie
from netspec.planning import Plan
from netspec.weights import LoadedWeights, Weights


def allocate(model: nn.Module, plan: Plan, device: torch.device) -> None:
    """Memory for what this rank holds; its values are those of no time."""
    model.to_empty(device=device)
    tie(model, plan)


def draw(
    model: nn.Module,
    plan: Plan,
    *,
    seed: int | None,
    seed_by: SeedBy = "order",
    init: bool = True,
    keys: Collection[str] | None = None,
) -> None:
    """Fresh weights, those of one process under the same seed; of each a rank keeps its part.

    ``seed`` has to be given where there are several ranks, since they draw the same numbers.

    Args:
        init: False draws nothing: constants and buffers alone are filled.
        keys: those that are fresh; None is all.
    """
    tied = {key for one in plan.ties for key in one.others}
    held = {
        key: value
        for key, value in _held(model).items()
        if key not in tied and (keys is None or key in keys)
    }
    drawing.draw(plan, held, seed=seed, seed_by=seed_by, init=init, put=keep_part)
    if keys is None:
        _compute_the_rest(model, plan)


def load(
    model: nn.Module, plan: Plan, weights: Weights, dtype: torch.dtype | None
) -> LoadedWeights:
    """The weights of a file, of which a rank reads its part; what is fresh is left as it is.

    Raises:
        SpecError: the file is not that of the model.
    """
    whole = make_on_meta(plan)
    loaded = fill(whole, plan, weights, dtype)
    tensors = whole.state_dict()
    for key, target in _held(model).items():
        if key in tensors and not tensors[key].is_meta:
            keep_part(target, tensors[key])
    _compute_the_rest(model, plan)
    return loaded


def _compute_the_rest(model: nn.Module, plan: Plan) -> None:
    """What constructors compute and no file has."""
    for layer in in_construction_order(plan):
        if _is_there(model, layer.path) and _computes(model.get_submodule(layer.path)):
            _take(model, layer.path, make_layer(layer))


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


def _take(model: nn.Module, path: str, made: nn.Module) -> None:
    """The values in a layer that no file has, from one that was made in full."""
    parts = dict(model.get_submodule(path).named_modules())
    for inner, source in made.named_modules():
        part = parts[inner]
        for name in source._non_persistent_buffers_set:
            if source._buffers[name] is not None:
                keep_part(part.get_buffer(name), source.get_buffer(name))
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
