"""What netspec loads. Nothing here imports torch or einops."""

from collections.abc import Sequence

from netspec.plugin import LayerType, hookimpl
from netspec_einops.layers import ein_mix, rearrange, reduce

LAYERS = (rearrange, reduce, ein_mix)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of this plugin."""
    return LAYERS
