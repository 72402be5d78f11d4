"""Linear layers."""

from typing import Annotated

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Splits,
    TensorType,
    last_size,
    layer,
    same_shape,
)
from netspec.declaration.refusal import Refusal
from netspec.layers.weights import weight_and_bias
from netspec.sizes import product

MOST_OUTPUTS = 1_000_000  # torch makes one product after the other


@layer("torch.nn.Linear", splits=Splits(column={"": 0}, row={"": 1}))
def linear(
    input: TensorType,
    *,
    in_features: Annotated[
        Positive,
        Inferred(
            "the input's last size",
            last_size,
            help="put `adaptive_avg_pool2d: 1` before the flatten",
        ),
    ],
    out_features: Positive,
    bias: bool = True,
) -> Output:
    """Applies ``x @ weight.T + bias`` to the last dimension.

    ``(*, in_features)`` -> ``(*, out_features)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """
    input.require_weights_dtype("linear")
    return Output(
        (*input.shape[:-1], out_features),
        parameters=weight_and_bias((out_features, in_features), (out_features,), bias),
        macs=product(input.shape) * out_features,
        saves=("input",),
    )


@layer("torch.nn.Bilinear")
def bilinear(
    input1: TensorType,
    input2: TensorType,
    *,
    in1_features: Annotated[Positive, Inferred("the first input's last size", last_size)],
    in2_features: Annotated[Positive, Inferred("the second input's last size", last_size, place=1)],
    out_features: Positive,
    bias: bool = True,
) -> Output:
    """Bilinear form of two inputs, ``x1 @ weight @ x2 + bias``.

    ``(*, in1_features)`` and ``(*, in2_features)`` -> ``(*, out_features)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Bilinear.html
    """
    input1.require_weights_dtype("bilinear")
    input2.require_weights_dtype("bilinear")
    if out_features > MOST_OUTPUTS:
        raise Refusal(
            f"out_features is {out_features}, but netspec plans at most {MOST_OUTPUTS} products of"
            " two inputs",
            argument="out_features",
        )
    message = f"{input1} and {input2} of bilinear must be alike in all sizes but the last"
    weight = (out_features, in1_features, in2_features)
    return Output(
        (*input1.shape[:-1], out_features),
        parameters=weight_and_bias(weight, (out_features,), bias),
        needs=same_shape(input1.shape[:-1], input2.shape[:-1], message),
        saves=("input1", "input2"),
    )


@layer("torch.nn.Identity", is_elementwise=True)
def identity(input: TensorType) -> Output:
    """Returns its input. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
    """
    return Output(input.shape, is_view=True)
