"""What the strategy ``frozen`` does to the modules."""

from __future__ import annotations

from torch import nn

from netspec.placement.context import Context


def frozen(model: nn.Module, context: Context, *, layers: tuple[str, ...]) -> nn.Module:
    """In place; names and keys stay."""
    for path in layers:
        model.get_submodule(path).requires_grad_(False)
    return model
