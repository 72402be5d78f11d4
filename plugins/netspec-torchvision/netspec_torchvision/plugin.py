"""What netspec loads: the declarations, without torch."""

from collections.abc import Sequence

from netspec.plugin import LayerType, hookimpl
from netspec_torchvision.maxvit import (
    relative_positional_multi_head_attention,
    window_departition,
    window_partition,
)
from netspec_torchvision.normalization import frozen_batch_norm2d, layer_norm2d, stochastic_depth
from netspec_torchvision.swin import (
    patch_merging_pad,
    shifted_window_attention,
    shifted_window_attention_v2,
)

LAYERS = (
    stochastic_depth,
    layer_norm2d,
    frozen_batch_norm2d,
    shifted_window_attention,
    shifted_window_attention_v2,
    patch_merging_pad,
    relative_positional_multi_head_attention,
    window_partition,
    window_departition,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """torchvision's layers."""
    return LAYERS
