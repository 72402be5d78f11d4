"""Stacks of transformer layers, made from numbers: torch's own take a layer that they copy."""

from __future__ import annotations

from torch import nn


class TransformerEncoder(nn.TransformerEncoder):
    """``nn.TransformerEncoder`` of ``num_layers`` equal layers; with ``norm`` a last LayerNorm."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        norm: bool = False,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        layer = nn.TransformerEncoderLayer(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )
        last = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias) if norm else None
        super().__init__(layer, num_layers, last, enable_nested_tensor, mask_check)


class TransformerDecoder(nn.TransformerDecoder):
    """``nn.TransformerDecoder`` of ``num_layers`` equal layers; with ``norm`` a last LayerNorm."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        norm: bool = False,
    ) -> None:
        layer = nn.TransformerDecoderLayer(
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )
        last = nn.LayerNorm(d_model, eps=layer_norm_eps, bias=bias) if norm else None
        super().__init__(layer, num_layers, last)
