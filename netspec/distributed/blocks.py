"""What is done to whole blocks of layers."""

from __future__ import annotations

from contextlib import nullcontext

from torch import nn
from torch.distributed._composable.checkpoint_activation import checkpoint as recomputed

from netspec.distributed.buffers import buffers_kept, stored_buffers
from netspec.placement.context import Context


def checkpoint(model: nn.Module, context: Context, *, layers: tuple[str, ...]) -> nn.Module:
    """The composable form: names, keys and classes stay, and copies are right."""
    for path in context.here(model, layers):
        _recompute(model.get_submodule(path))
    return model


def _recompute(module: nn.Module) -> None:
    if any(True for _ in stored_buffers(module)):
        recomputed(module, context_fn=lambda: (nullcontext(), buffers_kept(module)))
    else:
        recomputed(module)


def compile(
    model: nn.Module, context: Context, *, layers: tuple[str, ...], backend: str
) -> nn.Module:
    """In place, so that names and keys stay."""
    for path in context.here(model, layers):
        model.get_submodule(path).compile(backend=backend)
    return model
