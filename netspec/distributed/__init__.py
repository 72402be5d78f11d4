"""Layouts on torch.distributed: what the strategies of ``netspec.placement`` do to modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.distributed.checkpoints import consolidate, load_checkpoint, save_checkpoint
    from netspec.distributed.context import Context
    from netspec.distributed.distribute import Distributed

__all__ = ["Context", "Distributed", "consolidate", "load_checkpoint", "save_checkpoint"]

_HOMES = {"Context": "context", "Distributed": "distribute"}


def __getattr__(name: str) -> object:
    """Imported at their first use, as torch takes its time."""
    if name not in __all__:
        raise AttributeError(f"module 'netspec.distributed' has no attribute {name!r}")
    from importlib import import_module

    home = _HOMES.get(name, "checkpoints")
    return getattr(import_module(f"netspec.distributed.{home}"), name)
