"""What netspec loads: the declarations of ``swiglu`` and ``geglu``. Nothing here imports torch."""

from collections.abc import Sequence
from typing import Annotated, Literal

from netspec.plugin import (
    Inferred,
    LayerType,
    Output,
    Positive,
    Refusal,
    Size,
    TensorType,
    hookimpl,
    layer,
    product,
)


def _last_size(input: TensorType, written: object = None) -> Size:
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no last size")
    return input.shape[-1]


InFeatures = Annotated[Positive, Inferred("the input's last size", _last_size)]


@layer("netspec_gated.modules.SwiGLU")
def swiglu(
    input: TensorType,
    *,
    in_features: InFeatures,
    hidden_features: Positive,
    out_features: Positive | None = None,
    bias: bool = False,
) -> Output:
    """A feed-forward layer gated by SiLU: ``down_proj(silu(gate_proj(x)) * up_proj(x))``.

    ``(*, in_features)`` gives ``(*, out_features)``; ``out_features`` null is ``in_features``.
    Shazeer (2020), "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202
    """
    return _gated("swiglu", input, in_features, hidden_features, out_features, bias)


@layer("netspec_gated.modules.GeGLU")
def geglu(
    input: TensorType,
    *,
    in_features: InFeatures,
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
    linears = {
        "gate_proj": (hidden_features, in_features),
        "up_proj": (hidden_features, in_features),
        "down_proj": (out_features, hidden_features),
    }
    parameters: dict[str, tuple[int, ...]] = {}
    weights = 0
    for child, (rows, columns) in linears.items():
        parameters[f"{child}.weight"] = (rows, columns)
        if bias:
            parameters[f"{child}.bias"] = (rows,)
        weights += rows * columns
    leading = input.shape[:-1]
    hidden = TensorType((*leading, hidden_features))
    return Output(
        (*leading, out_features),
        parameters=parameters,
        macs=product(leading) * weights,
        saves=("input",),
        saved_bytes=4 * hidden.nbytes,  # the gate, its activation, the factor, the product
    )


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    """The layers of this plugin."""
    return (swiglu, geglu)
