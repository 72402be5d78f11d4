"""Layers over the last size."""

from typing import Annotated

from netspec.declaration import Inferred, Output, Positive, TensorType, layer
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, product


def last_size(input: TensorType, written: object = None) -> Size:
    """The size of the last dim.

    Raises:
        Refusal: the input is a scalar.
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no last size")
    return input.shape[-1]


@layer("torch.nn.Linear")
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
    """Multiplies the last size by a matrix and adds a bias.

    ``(*, in_features)`` gives ``(*, out_features)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
    """
    input.require_weights_dtype("linear")
    parameters: dict[str, tuple[int, ...]] = {"weight": (out_features, in_features)}
    if bias:
        parameters["bias"] = (out_features,)
    return Output(
        (*input.shape[:-1], out_features),
        parameters=parameters,
        macs=product(input.shape) * out_features,
    )


@layer("torch.nn.Identity")
def identity(input: TensorType) -> Output:
    """Gives its input unchanged: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
    """
    return Output(input.shape)


LAYERS = (
    linear,
    identity,
)
