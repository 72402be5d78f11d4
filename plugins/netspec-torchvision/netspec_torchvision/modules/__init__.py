"""torchvision's modules, as layers of one tensor; they work without netspec too."""

from netspec_torchvision.modules.maxvit import WindowDepartition, WindowPartition
from netspec_torchvision.modules.mvit import MultiscaleAttention, PoolSkip
from netspec_torchvision.modules.patches import PatchEmbedPad3d, PatchMergingPad
from netspec_torchvision.modules.windows import (
    ShiftedWindowAttention,
    ShiftedWindowAttention3d,
    ShiftedWindowAttentionV2,
)

__all__ = [
    "MultiscaleAttention",
    "PatchEmbedPad3d",
    "PatchMergingPad",
    "PoolSkip",
    "ShiftedWindowAttention",
    "ShiftedWindowAttention3d",
    "ShiftedWindowAttentionV2",
    "WindowDepartition",
    "WindowPartition",
]
