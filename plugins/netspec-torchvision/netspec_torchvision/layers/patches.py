"""Patches of images and videos, of the Swin transformers."""

from typing import Annotated

from netspec.plugin import Output, Range, Refusal, TensorType, ceil_divide, layer
from netspec_torchvision.layers.common import require_sizes


@layer("netspec_torchvision.modules.PatchMergingPad")
def patch_merging_pad(input: TensorType) -> Output:
    """Lays 2 x 2 neighbours on each other: ``(*, H, W, C)`` gives ``(*, H/2, W/2, 4*C)``.

    An odd size is padded by one, so that it is rounded up. It is the part of torchvision's
    PatchMerging before its ``norm`` and ``reduction``, for images and for videos.
    https://github.com/pytorch/vision/blob/main/torchvision/models/swin_transformer.py
    """
    if input.rank < 3:
        raise Refusal(f"patch_merging_pad takes [*, H, W, C], but its input is {input}")
    *leading, height, width, channels = input.shape
    return Output((*leading, ceil_divide(height, 2), ceil_divide(width, 2), channels * 4))


@layer("netspec_torchvision.modules.PatchEmbedPad3d")
def patch_embed_pad3d(
    input: TensorType, *, patch_size: Annotated[tuple[int, int, int], Range(1)]
) -> Output:
    """Pads a video with zeros, behind, to whole patches: ``(N, C, T, H, W)``.

    It is the part of torchvision's PatchEmbed3d before its ``proj``.
    https://github.com/pytorch/vision/blob/main/torchvision/models/video/swin_transformer.py
    """
    require_sizes("patch_embed_pad3d", input, "N, C, T, H, W")
    padded = [
        ceil_divide(size, patch) * patch
        for size, patch in zip(input.shape[2:], patch_size, strict=True)
    ]
    return Output((*input.shape[:2], *padded))
