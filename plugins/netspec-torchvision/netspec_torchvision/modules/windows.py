"""Attention in shifted windows: torchvision's, which changes its lists, from any sequences."""

from collections.abc import Sequence

from torchvision.models import swin_transformer
from torchvision.models.video import swin_transformer as video_swin_transformer


class ShiftedWindowAttention(swin_transformer.ShiftedWindowAttention):  # type: ignore[misc]
    """``torchvision.models.swin_transformer.ShiftedWindowAttention``."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim, list(window_size), list(shift_size), num_heads, qkv_bias, proj_bias,
            attention_dropout, dropout,
        )  # fmt: skip


class ShiftedWindowAttentionV2(swin_transformer.ShiftedWindowAttentionV2):  # type: ignore[misc]
    """``torchvision.models.swin_transformer.ShiftedWindowAttentionV2``."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim, list(window_size), list(shift_size), num_heads, qkv_bias, proj_bias,
            attention_dropout, dropout,
        )  # fmt: skip


class ShiftedWindowAttention3d(
    video_swin_transformer.ShiftedWindowAttention3d  # type: ignore[misc]
):
    """``torchvision.models.video.swin_transformer.ShiftedWindowAttention3d``."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim, list(window_size), list(shift_size), num_heads, qkv_bias, proj_bias,
            attention_dropout, dropout,
        )  # fmt: skip
