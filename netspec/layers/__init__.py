"""torch.nn's layers, by family. They register through the hook that every plugin uses."""

from collections.abc import Sequence

from netspec.declaration import LayerType
from netspec.layers.activation import (
    gelu,
    hardsigmoid,
    hardswish,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    sigmoid,
    silu,
    softmax,
    tanh,
)
from netspec.layers.attention import self_attention
from netspec.layers.convolution import conv1d, conv2d, conv3d
from netspec.layers.dropout import dropout
from netspec.layers.embedding import embedding, position_embedding
from netspec.layers.linear import identity, linear
from netspec.layers.normalization import batch_norm1d, batch_norm2d, batch_norm3d, layer_norm
from netspec.layers.pooling import (
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    avg_pool2d,
    avg_pool3d,
    max_pool2d,
    max_pool3d,
)
from netspec.layers.recurrent import lstm
from netspec.layers.reshape import channel_shuffle, flatten, unflatten
from netspec.layers.tensor import (
    abs_,
    chunk,
    exp,
    interpolate,
    mean,
    pad,
    permute,
    reparameterize,
    reshape,
    select,
    slice,
    squeeze,
    transpose,
    unsqueeze,
)
from netspec.registry.hookspecs import hookimpl

LAYERS = (
    flatten,
    unflatten,
    channel_shuffle,
    identity,
    linear,
    conv1d,
    conv2d,
    conv3d,
    batch_norm1d,
    batch_norm2d,
    batch_norm3d,
    layer_norm,
    dropout,
    max_pool2d,
    max_pool3d,
    avg_pool2d,
    avg_pool3d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    embedding,
    position_embedding,
    lstm,
    self_attention,
    relu,
    relu6,
    hardswish,
    hardsigmoid,
    gelu,
    silu,
    tanh,
    sigmoid,
    leaky_relu,
    softmax,
    log_softmax,
    mean,
    permute,
    transpose,
    reshape,
    select,
    slice,
    pad,
    chunk,
    squeeze,
    unsqueeze,
    interpolate,
    exp,
    abs_,
    reparameterize,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of torch.nn."""
    return LAYERS
