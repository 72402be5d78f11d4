"""netspec's own placement as a plugin. It is called last, so that every other can override it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.registry.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from netspec.placement.strategy import Strategy


@hookimpl(trylast=True)
def netspec_strategies() -> Sequence[Strategy]:
    """Those of ``netspec.placement.strategies``, and the one that needs estimates of memory."""
    from netspec.accounting.balancing import balance
    from netspec.placement.strategies import STRATEGIES

    return (*STRATEGIES, balance)


@hookimpl(trylast=True)
def netspec_resolve_device(request: str) -> str:
    """``auto`` is the accelerator of this machine (cuda, mps, xpu ...) or the cpu."""
    if request != "auto":
        return request
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return "cpu" if accelerator is None else str(accelerator)


@hookimpl(trylast=True)
def netspec_place(module: nn.Module, path: str, device: str) -> nn.Module:
    """Moves the layer's parameters and buffers."""
    return module.to(device)
