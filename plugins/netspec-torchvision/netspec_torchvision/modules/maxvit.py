"""MaxViT's windows, whose number and size are known when the module is made."""

from torch import Tensor
from torchvision.models import maxvit


class WindowPartition(maxvit.WindowPartition):  # type: ignore[misc]
    """``(N, C, H, W)`` gives ``(N, H/p * W/p, p*p, C)``."""

    def __init__(self, p: int) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = super().forward(x, self.p)
        return output

    def extra_repr(self) -> str:
        return f"p={self.p}"


class WindowDepartition(maxvit.WindowDepartition):  # type: ignore[misc]
    """``(N, h_partitions * w_partitions, p*p, C)`` gives ``(N, C, H, W)``."""

    def __init__(self, p: int, h_partitions: int, w_partitions: int) -> None:
        super().__init__()
        self.p = p
        self.h_partitions = h_partitions
        self.w_partitions = w_partitions

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = super().forward(x, self.p, self.h_partitions, self.w_partitions)
        return output

    def extra_repr(self) -> str:
        return f"p={self.p}, h_partitions={self.h_partitions}, w_partitions={self.w_partitions}"
