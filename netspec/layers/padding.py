"""Padding: more entries around a sequence, an image or a volume."""

from netspec.declaration import LayerType

LAYERS: tuple[LayerType, ...] = ()
