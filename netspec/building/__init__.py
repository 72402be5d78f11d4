"""The fifth room: a Plan becomes modules. The only one, with placement, that imports torch."""

from netspec.building.modules import make_modules

__all__ = ["make_modules"]
