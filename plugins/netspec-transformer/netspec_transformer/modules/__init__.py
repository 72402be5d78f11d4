"""The modules that the layers make, plain torch; they work without netspec too."""

from netspec_transformer.modules.attention import GroupedQueryAttention
from netspec_transformer.modules.gated import GeGLU, SwiGLU
from netspec_transformer.modules.mixture import MoEFeedForward
from netspec_transformer.modules.rotary import RotaryEmbedding

__all__ = [
    "GeGLU",
    "GroupedQueryAttention",
    "MoEFeedForward",
    "RotaryEmbedding",
    "SwiGLU",
]
