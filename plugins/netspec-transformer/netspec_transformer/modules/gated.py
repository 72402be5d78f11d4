"""Feed-forward modules with a gate."""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional


class _GatedFeedForward(nn.Module):
    """``down_proj(activation(gate_proj(x)) * up_proj(x))``."""

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        out_features: int | None = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        out_features = in_features if out_features is None else out_features
        self.gate_proj = nn.Linear(in_features, hidden_features, bias)
        self.up_proj = nn.Linear(in_features, hidden_features, bias)
        self.down_proj = nn.Linear(hidden_features, out_features, bias)

    def activation(self, gate: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        gate = self.activation(self.gate_proj(input))
        output: Tensor = self.down_proj(gate * self.up_proj(input))
        return output


class SwiGLU(_GatedFeedForward):
    """``down_proj(silu(gate_proj(x)) * up_proj(x))``, the FFN_SwiGLU of Shazeer (2020).

    ``(*, in_features)`` gives ``(*, out_features)``; ``out_features`` None is ``in_features``.
    "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202
    """

    def activation(self, gate: Tensor) -> Tensor:
        return functional.silu(gate)


class GeGLU(_GatedFeedForward):
    """``down_proj(gelu(gate_proj(x)) * up_proj(x))``, the FFN_GEGLU of Shazeer (2020).

    ``(*, in_features)`` gives ``(*, out_features)``; ``out_features`` None is ``in_features``,
    and ``approximate`` is that of ``torch.nn.GELU``.
    "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        out_features: int | None = None,
        bias: bool = False,
        approximate: Literal["none", "tanh"] = "none",
    ) -> None:
        super().__init__(in_features, hidden_features, out_features, bias)
        self.approximate = approximate

    def activation(self, gate: Tensor) -> Tensor:
        return functional.gelu(gate, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"
