"""What the strategies of one process do to modules, beside their devices."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch
from torch import nn

from netspec.placement.actions import applied
from netspec.placement.context import Context
from netspec.placement.inputs import CastInputs
from netspec.placement.layout import Layout


def act(model: nn.Module, layout: Layout, device: torch.device) -> nn.Module:
    """The actions of a layout, in their order.

    Raises:
        SpecError: one of them fails.
    """
    context = Context(layout, device)
    for action in layout.actions:
        (model,) = applied(action, model, context)
    return model


def dtypes(
    model: nn.Module,
    context: Context,
    *,
    layers: Mapping[str, str | None],
    parameters: Mapping[str, str],
) -> nn.Module:
    """Casts layers with weights, and parameters of containers.

    Layers of None stay, and cast their inputs, too.
    """
    here = dict(model.named_parameters(remove_duplicate=False))
    for path, dtype in parameters.items():
        if path in here:  # under a pipeline a rank has a part of the model
            here[path].data = here[path].data.to(getattr(torch, dtype))
    for path in context.here(model, layers):
        module, name = model.get_submodule(path), layers[path]
        if name is not None:
            module.to(getattr(torch, name))
        own = next((p.dtype for p in module.parameters() if p.is_floating_point()), None)
        if own is not None:
            module.register_forward_pre_hook(CastInputs(own), with_kwargs=True)
    return model


def offload(
    model: nn.Module, context: Context, *, layers: tuple[str, ...], folder: str | None
) -> nn.Module:
    """Accelerate's hooks; on disk each module has a folder of its own."""
    from accelerate import cpu_offload, disk_offload

    for path in layers:
        module = model.get_submodule(path)
        if folder is None:
            cpu_offload(module, context.device)
        else:
            disk_offload(module, os.path.join(folder, path), context.device)
    return model
