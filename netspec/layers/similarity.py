"""How alike the vectors of two inputs are."""

from netspec.declaration import LayerType

LAYERS: tuple[LayerType, ...] = ()
