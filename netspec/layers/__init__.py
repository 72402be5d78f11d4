"""torch.nn's layers, by family. They register through the hook that every plugin uses."""

from collections.abc import Sequence

from netspec.declaration import InitialiserType, LayerType, declared_layers
from netspec.layers import (
    activation,
    adaptive_pooling,
    attention,
    convolution,
    dropout,
    embedding,
    fractional_pooling,
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
    unpooling,
    upsampling,
    windows,
)
from netspec.registry.hookspecs import hookimpl

FAMILIES = (
    reshape,
    windows,
    linear,
    convolution,
    padding,
    pooling,
    adaptive_pooling,
    fractional_pooling,
    unpooling,
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
LAYERS = tuple([layer for family in FAMILIES for layer in declared_layers(family)])


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of torch.nn."""
    return LAYERS


@hookimpl
def netspec_initialisers() -> Sequence[InitialiserType]:
    """The functions of torch.nn.init."""
    from netspec.layers.initialisers import INITIALISERS  # few specs say how weights begin

    return INITIALISERS
