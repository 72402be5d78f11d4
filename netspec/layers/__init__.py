"""torch.nn's layers, by family. They register through the hook that every plugin uses."""

from collections.abc import Sequence

from netspec.declaration import LayerType
from netspec.layers.activation import (
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    tanh,
)
from netspec.layers.convolution import conv1d, conv2d, conv3d
from netspec.layers.dropout import dropout
from netspec.layers.embedding import embedding
from netspec.layers.linear import identity, linear
from netspec.layers.normalization import batch_norm1d, batch_norm2d, layer_norm
from netspec.layers.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from netspec.layers.reshape import flatten, unflatten
from netspec.registry.hookspecs import hookimpl

LAYERS = (
    flatten,
    unflatten,
    identity,
    linear,
    conv1d,
    conv2d,
    conv3d,
    batch_norm1d,
    batch_norm2d,
    layer_norm,
    dropout,
    max_pool2d,
    avg_pool2d,
    adaptive_avg_pool2d,
    embedding,
    relu,
    gelu,
    silu,
    tanh,
    sigmoid,
    leaky_relu,
    softmax,
    log_softmax,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of torch.nn."""
    return LAYERS
