"""Transformers: encoders, decoders, and both."""

from netspec.declaration import LayerType

LAYERS: tuple[LayerType, ...] = ()
