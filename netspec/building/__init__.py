"""Modules of torch from a Plan."""

from netspec.building.loading import load_weights
from netspec.building.modules import make_modules, make_on_meta

__all__ = ["load_weights", "make_modules", "make_on_meta"]
