"""Attention of a sequence to itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SelfAttention(nn.MultiheadAttention):
    """``nn.MultiheadAttention`` whose query, key and value are one sequence ``(N, L, E)``.

    With ``is_causal`` no place sees a later one.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        is_causal: bool = False,
    ) -> None:
        super().__init__(embed_dim, num_heads, dropout=dropout, bias=bias, batch_first=True)
        self.is_causal = is_causal

    def forward(self, input: Tensor) -> Tensor:  # type: ignore[override]
        mask = None
        if self.is_causal:
            mask = nn.Transformer.generate_square_subsequent_mask(
                input.shape[-2], device=input.device, dtype=torch.get_default_dtype()
            )
        output, _ = super().forward(
            input, input, input, need_weights=False, attn_mask=mask, is_causal=self.is_causal
        )
        return output
