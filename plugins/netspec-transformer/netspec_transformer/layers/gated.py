"""Feed-forward layers with a gate."""

from typing import Literal

from netspec.plugin import (
    LastSize,
    Output,
    Positive,
    Size,
    Splits,
    TensorType,
    Work,
    layer,
    product,
)
from netspec_transformer.layers.common import Shapes, linear

_SPLITS = Splits(column={"gate_proj": 0, "up_proj": 0}, row={"down_proj": 1})


@layer("netspec_transformer.modules.SwiGLU", splits=_SPLITS)
def swiglu(
    input: TensorType,
    *,
    in_features: LastSize,
    hidden_features: Positive,
    out_features: Positive | None = None,
    bias: bool = False,
) -> Output:
    """A feed-forward layer gated by SiLU: ``down_proj(silu(gate_proj(x)) * up_proj(x))``.

    ``(*, in_features)`` gives ``(*, out_features)``; ``out_features`` null is ``in_features``.
    Shazeer (2020), "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202
    """
    return _gated("swiglu", input, in_features, hidden_features, out_features, bias)


@layer("netspec_transformer.modules.GeGLU", splits=_SPLITS)
def geglu(
    input: TensorType,
    *,
    in_features: LastSize,
    hidden_features: Positive,
    out_features: Positive | None = None,
    bias: bool = False,
    approximate: Literal["none", "tanh"] = "none",
) -> Output:
    """A feed-forward layer gated by GELU: ``down_proj(gelu(gate_proj(x)) * up_proj(x))``.

    ``(*, in_features)`` gives ``(*, out_features)``; ``out_features`` null is ``in_features``,
    and ``approximate`` is that of ``gelu``.
    Shazeer (2020), "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202
    """
    return _gated("geglu", input, in_features, hidden_features, out_features, bias)


def gated_parameters(
    in_features: int, hidden_features: int, out_features: int, bias: bool = False, prefix: str = ""
) -> Shapes:
    """The parameters of a gated feed-forward layer."""
    return {
        **linear(f"{prefix}gate_proj", hidden_features, in_features, bias),
        **linear(f"{prefix}up_proj", hidden_features, in_features, bias),
        **linear(f"{prefix}down_proj", out_features, hidden_features, bias),
    }


def gated_macs(in_features: int, hidden_features: int, out_features: int) -> int:
    """The multiply-adds for one place."""
    return hidden_features * (2 * in_features + out_features)


def gated_saved(leading: tuple[Size, ...], hidden_features: int) -> Size:
    """The bytes kept for backward beside the input: gate, its activation, factor, and product."""
    return 4 * TensorType((*leading, hidden_features)).nbytes


def _gated(
    name: str,
    input: TensorType,
    in_features: int,
    hidden_features: int,
    out_features: int | None,
    bias: bool,
) -> Output:
    input.require_weights_dtype(name)
    out_features = in_features if out_features is None else out_features
    leading = input.shape[:-1]
    return Output(
        (*leading, out_features),
        parameters=gated_parameters(in_features, hidden_features, out_features, bias),
        macs=product(leading) * gated_macs(in_features, hidden_features, out_features),
        saves=("input",),
        saved_bytes=gated_saved(leading, hidden_features),
        work=gated_steps(product(leading), hidden_features, out_features, bias),
    )


def gated_steps(
    rows: Size,
    hidden_features: int,
    out_features: int,
    bias: bool = False,
    prefix: str = "",
    output: str = "output",
) -> tuple[Work, ...]:
    """The projections, the activation and the product, one after the other."""
    hidden = rows * (4 * hidden_features)
    names = ("weight", "bias") if bias else ("weight",)
    first, second, last = (
        tuple(f"{prefix}{part}_proj.{name}" for name in names) for part in ("gate", "up", "down")
    )
    gate, active, up, made = (f"{prefix}{name}" for name in ("gate", "active", "up", "product"))
    return (
        Work(gate, ("input",), hidden, ("input",), 0, first),
        Work(active, (gate,), hidden, (gate,)),
        Work(up, ("input",), hidden, ("input",), 0, second),
        Work(made, (active, up), hidden, (active, up)),
        Work(output, (made,), rows * (4 * out_features), (made,), 0, last),
    )
