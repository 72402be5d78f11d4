"""What netspec loads. Nothing here imports torch or torchvision."""

from collections.abc import Sequence

from netspec.plugin import LayerType, hookimpl
from netspec_torchvision.layers.maxvit import (
    relative_positional_multi_head_attention,
    swap_axes,
    window_departition,
    window_partition,
)
from netspec_torchvision.layers.mvit import multiscale_attention, pool_skip, positional_encoding
from netspec_torchvision.layers.normalization import frozen_batch_norm2d, layer_norm2d
from netspec_torchvision.layers.patches import patch_embed_pad3d, patch_merging_pad
from netspec_torchvision.layers.squeeze_excitation import squeeze_excitation
from netspec_torchvision.layers.stochastic_depth import stochastic_depth
from netspec_torchvision.layers.windows import (
    shifted_window_attention,
    shifted_window_attention3d,
    shifted_window_attention_v2,
)

LAYERS = (
    stochastic_depth,
    layer_norm2d,
    frozen_batch_norm2d,
    shifted_window_attention,
    shifted_window_attention_v2,
    shifted_window_attention3d,
    patch_merging_pad,
    patch_embed_pad3d,
    relative_positional_multi_head_attention,
    swap_axes,
    window_partition,
    window_departition,
    multiscale_attention,
    pool_skip,
    positional_encoding,
    squeeze_excitation,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of this plugin."""
    return LAYERS
