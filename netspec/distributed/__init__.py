"""Layouts on torch.distributed: the actions of the strategies of ``netspec.placement``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.distributed.checkpoints import consolidate, load_checkpoint, save_checkpoint
    from netspec.distributed.distribute import Distributed
    from netspec.placement.context import Context

__all__ = ["Context", "Distributed", "consolidate", "load_checkpoint", "save_checkpoint"]

_HOMES = {
    "Context": "netspec.placement.context",
    "Distributed": "netspec.distributed.distribute",
}


def __getattr__(name: str) -> object:
    """Imported at their first use, as torch takes its time."""
    if name not in __all__:
        raise AttributeError(f"module 'netspec.distributed' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "netspec.distributed.checkpoints")), name)
