"""Sequences, images and volumes of a larger size."""

from netspec.declaration import LayerType

LAYERS: tuple[LayerType, ...] = ()
