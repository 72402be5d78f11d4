"""torchvision's modules whose ``forward`` takes more than tensors, with those values fixed."""

from torch import Tensor, nn
from torchvision.models import maxvit
from torchvision.models.swin_transformer import _patch_merging_pad


class PatchMergingPad(nn.Module):
    """Four neighbours as channels: ``(N, H, W, C)`` gives ``(N, H/2, W/2, 4*C)``, rounded up."""

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = _patch_merging_pad(input)
        return result


class WindowPartition(maxvit.WindowPartition):  # type: ignore[misc]
    """Windows of ``p`` by ``p``: ``(N, C, H, W)`` gives ``(N, H/p * W/p, p*p, C)``."""

    def __init__(self, p: int) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = super().forward(input, self.p)
        return result


class WindowDepartition(maxvit.WindowDepartition):  # type: ignore[misc]
    """An image of windows: ``(N, G, p*p, C)`` gives ``(N, C, h_partitions*p, w_partitions*p)``."""

    def __init__(self, p: int, h_partitions: int, w_partitions: int) -> None:
        super().__init__()
        self.p, self.h_partitions, self.w_partitions = p, h_partitions, w_partitions

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = super().forward(input, self.p, self.h_partitions, self.w_partitions)
        return result
