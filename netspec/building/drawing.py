"""Random values for some parameters of a model, as if all of it were drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from netspec.building.modules import in_construction_order, make_layer, make_on_meta
from netspec.building.random import SeedBy, seeded
from netspec.building.weights import initialise
from netspec.planning import Plan

#: Stores a value that was drawn in full: the target first.
Put = Callable[[Tensor, Tensor], object]


def copy(target: Tensor, value: Tensor) -> None:
    with torch.no_grad():
        target.copy_(value)


def draw(
    plan: Plan,
    held: Mapping[str, Tensor],
    *,
    seed: int | None,
    seed_by: SeedBy = "order",
    init: bool = True,
    put: Put = copy,
) -> None:
    """Fill tensors, by their keys in ``state_dict``, with what a whole model would have there.

    Layers are made one by one on the cpu. All of them are where a seed gives one stream to the
    whole model; else only those that are asked for.

    Args:
        init: False draws nothing: constants (the ones of a norm) and buffers alone are filled.
    """
    skips = seed is None or seed_by == "path" or not init
    with seeded(seed, seed_by) as begin_stream:
        for layer in in_construction_order(plan):
            keys = [f"{layer.path}.{one.name}" for one in (*layer.parameters, *layer.buffers)]
            if skips and not any(key in held for key in keys):
                continue
            begin_stream(layer.path)
            made = make_layer(layer, init=init)
            state = {**dict(made.named_parameters()), **dict(made.named_buffers())}
            for name, value in state.items():
                key = f"{layer.path}.{name}"
                if key in held:
                    put(held[key], value)
        if init:
            initialise(make_on_meta(plan), plan, begin_stream, _filling(held, put, skips=skips))


def _filling(
    held: Mapping[str, Tensor], put: Put, *, skips: bool
) -> Callable[[str, Tensor, Callable[[Tensor], object]], None]:
    """Draw a parameter in full, and store it where it is asked for."""

    def fill(key: str, parameter: Tensor, begin: Callable[[Tensor], object]) -> None:
        if skips and key not in held:
            return
        whole = torch.empty(parameter.shape, dtype=parameter.dtype)
        with torch.no_grad():
            begin(whole)
        if key in held:
            put(held[key], whole)

    return fill
