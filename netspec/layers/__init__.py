"""torch.nn's layers, by family. They register through the hook that every plugin uses."""

from collections.abc import Sequence

from netspec.declaration import LayerType
from netspec.layers import (
    activation,
    attention,
    convolution,
    dropout,
    embedding,
    linear,
    normalization,
    padding,
    pooling,
    recurrent,
    recurrent_cells,
    reshape,
    similarity,
    tensor,
    transformer,
    upsampling,
)
from netspec.registry.hookspecs import hookimpl

FAMILIES = (
    reshape,
    linear,
    convolution,
    padding,
    pooling,
    upsampling,
    normalization,
    dropout,
    activation,
    embedding,
    recurrent,
    recurrent_cells,
    attention,
    transformer,
    similarity,
    tensor,
)
LAYERS = tuple([layer for family in FAMILIES for layer in family.LAYERS])


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of torch.nn."""
    return LAYERS
