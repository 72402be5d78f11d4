"""What netspec loads. Nothing here imports torch."""

from collections.abc import Sequence

from netspec.plugin import LayerType, hookimpl
from netspec_transformer.layers.attention import grouped_query_attention
from netspec_transformer.layers.gated import geglu, swiglu
from netspec_transformer.layers.mixture import moe_feed_forward
from netspec_transformer.layers.rotary import rotary_embedding

LAYERS = (
    swiglu,
    geglu,
    moe_feed_forward,
    rotary_embedding,
    grouped_query_attention,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of this plugin."""
    return LAYERS
