"""MViT's attention and pool, which know the video's size when they are made."""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn
from torchvision.models.video import mvit


class MultiscaleAttention(mvit.MultiscaleAttention):  # type: ignore[misc]
    """``(N, 1 + T*H*W, embed_dim)`` gives ``(N, 1 + T'*H'*W', output_dim)``.

    ``torchvision.models.video.mvit.MultiscaleAttention`` for videos of ``thw``, which is
    ``input_size`` where it is None. Its norms are ``nn.LayerNorm`` with ``norm_eps``.
    """

    def __init__(
        self,
        input_size: Sequence[int],
        embed_dim: int,
        output_dim: int,
        num_heads: int,
        kernel_q: Sequence[int],
        kernel_kv: Sequence[int],
        stride_q: Sequence[int],
        stride_kv: Sequence[int],
        residual_pool: bool,
        residual_with_cls_embed: bool,
        rel_pos_embed: bool,
        dropout: float = 0.0,
        norm_eps: float = 1e-5,
        thw: Sequence[int] | None = None,
    ) -> None:
        super().__init__(
            list(input_size),
            embed_dim,
            output_dim,
            num_heads,
            list(kernel_q),
            list(kernel_kv),
            list(stride_q),
            list(stride_kv),
            residual_pool,
            residual_with_cls_embed,
            rel_pos_embed,
            dropout,
            partial(nn.LayerNorm, eps=norm_eps),
        )
        self.thw = tuple(input_size if thw is None else thw)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = super().forward(x, self.thw)[0]
        return output

    def extra_repr(self) -> str:
        return f"num_heads={self.num_heads}, thw={self.thw}"


class PoolSkip(mvit.Pool):  # type: ignore[misc]
    """``(N, 1 + T*H*W, C)`` gives ``(N, 1 + T'*H'*W', C)``: the largest values around.

    The ``pool_skip`` of ``torchvision.models.video.mvit.MultiscaleBlock`` for videos of ``thw``.
    """

    def __init__(self, thw: Sequence[int], stride_q: Sequence[int]) -> None:
        kernel = tuple(stride + 1 if stride > 1 else stride for stride in stride_q)
        padding = tuple(size // 2 for size in kernel)
        super().__init__(nn.MaxPool3d(kernel, stride=tuple(stride_q), padding=padding), None)
        self.thw = tuple(thw)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = super().forward(x, self.thw)[0]
        return output

    def extra_repr(self) -> str:
        return f"thw={self.thw}"
