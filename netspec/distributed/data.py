"""Copies and shards over the batch's ranks."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.distributed._composable.replicate_with_fsdp import replicate
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from netspec.distributed.buffers import share_buffers
from netspec.placement.context import Context


def data_parallel(model: nn.Module, context: Context, *, axis: str) -> nn.Module:
    """Hooks average the gradients; there is no wrapper, so that keys stay."""
    replicate(model, mesh=context.axis(axis))
    share_buffers(model, [context.axis(axis).get_group()])
    return model


def fsdp(
    model: nn.Module,
    context: Context,
    *,
    layers: tuple[str, ...],
    axes: tuple[str, ...],
    param_dtype: str | None,
    reduce_dtype: str | None,
    reshard_after_forward: bool,
) -> nn.Module:
    """Each group by itself, the innermost first, then what is left."""
    policy = MixedPrecisionPolicy(
        param_dtype=None if param_dtype is None else getattr(torch, param_dtype),
        reduce_dtype=None if reduce_dtype is None else getattr(torch, reduce_dtype),
    )
    options: dict[str, Any] = {
        "mesh": context.axis(*axes),
        "mp_policy": policy,
        "reshard_after_forward": reshard_after_forward,
    }
    for path in sorted(context.here(model, layers), key=lambda path: -path.count(".")):
        fully_shard(model.get_submodule(path), **options)
    fully_shard(model, **options)
    share_buffers(model, [context.axis(axis).get_group() for axis in reversed(axes)])
    return model
