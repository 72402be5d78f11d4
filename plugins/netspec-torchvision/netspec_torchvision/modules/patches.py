"""The parts of torchvision's patch layers that have no weights."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.swin_transformer import _patch_merging_pad


class PatchMergingPad(nn.Module):
    """``(*, H, W, C)`` gives ``(*, H/2, W/2, 4*C)``, rounded up."""

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = _patch_merging_pad(input)
        return output


class PatchEmbedPad3d(nn.Module):
    """``(N, C, T, H, W)``, padded behind with zeros to whole patches."""

    def __init__(self, patch_size: Sequence[int]) -> None:
        super().__init__()
        self.patch_size = tuple(patch_size)

    def forward(self, input: Tensor) -> Tensor:
        t, h, w = (
            -size % patch for size, patch in zip(input.shape[2:], self.patch_size, strict=True)
        )
        return functional.pad(input, (0, w, 0, h, 0, t))

    def extra_repr(self) -> str:
        return f"patch_size={self.patch_size}"
