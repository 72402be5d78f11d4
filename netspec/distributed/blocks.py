"""What is done to whole blocks of layers."""

from __future__ import annotations

from torch import nn
from torch.distributed._composable.checkpoint_activation import checkpoint as recomputed

from netspec.distributed.context import Context


def checkpoint(model: nn.Module, context: Context, *, layers: tuple[str, ...]) -> nn.Module:
    """The composable form: names, keys and classes stay, and copies are right."""
    for path in context.here(model, layers):
        recomputed(model.get_submodule(path))
    return model


def compile(
    model: nn.Module, context: Context, *, layers: tuple[str, ...], backend: str
) -> nn.Module:
    """In place, so that names and keys stay."""
    for path in context.here(model, layers):
        model.get_submodule(path).compile(backend=backend)
    return model
