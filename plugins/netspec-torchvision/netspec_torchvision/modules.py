"""torchvision's modules where they take more than a spec can give them.

Those whose ``forward`` takes numbers get them when they are made; those that want lists get lists.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torchvision.models import maxvit, swin_transformer
from torchvision.models.swin_transformer import _patch_merging_pad


class PatchMergingPad(nn.Module):
    """Four neighbours as channels: ``(N, H, W, C)`` gives ``(N, H/2, W/2, 4*C)``, rounded up."""

    def forward(self, input: Tensor) -> Tensor:
        result: Tensor = _patch_merging_pad(input)
        return result


class ShiftedWindowAttention(swin_transformer.ShiftedWindowAttention):  # type: ignore[misc]
    """torchvision's, with sizes in any sequence."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        *others: Any,
        **named: Any,
    ) -> None:
        super().__init__(dim, list(window_size), list(shift_size), *others, **named)


class ShiftedWindowAttentionV2(swin_transformer.ShiftedWindowAttentionV2):  # type: ignore[misc]
    """torchvision's, with sizes in any sequence."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        *others: Any,
        **named: Any,
    ) -> None:
        super().__init__(dim, list(window_size), list(shift_size), *others, **named)


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
