"""Normalisations of torchvision, and its stochastic depth."""

from typing import Annotated, Literal

from netspec.plugin import (
    Inferred,
    Output,
    Positive,
    Probability,
    Range,
    Refusal,
    Size,
    TensorType,
    layer,
)

Epsilon = Annotated[float, Range(0)]


def _channels(input: TensorType, written: object = None) -> Size:
    if input.rank != 4:
        raise Refusal(f"the layer takes [N, C, H, W], but its input is {input}")
    return input.shape[1]


Channels = Annotated[Positive, Inferred("the input's channels (its second size)", _channels)]


@layer("torchvision.ops.StochasticDepth")
def stochastic_depth(
    input: TensorType, *, p: Probability, mode: Literal["batch", "row"] = "row"
) -> Output:
    """Sets whole samples (``row``) or the batch to zero in training: ``(N, *)`` stays.

    Huang et al. (2016), "Deep networks with stochastic depth", https://arxiv.org/abs/1603.09382
    """
    input.require_floating("stochastic_depth")
    if input.rank < 1:
        raise Refusal("stochastic_depth takes a batch of samples, but its input is []")
    return Output(input.shape)


@layer("torchvision.models.convnext.LayerNorm2d")
def layer_norm2d(
    input: TensorType,
    *,
    normalized_shape: Channels,
    eps: Epsilon = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises over the channels: ``(N, C, H, W)`` stays.

    Liu et al. (2022), "A ConvNet for the 2020s", https://arxiv.org/abs/2201.03545
    """
    input.require_weights_dtype("layer_norm2d")
    parameters: dict[str, tuple[int, ...]] = {}
    if elementwise_affine:
        parameters["weight"] = (normalized_shape,)
        if bias:
            parameters["bias"] = (normalized_shape,)
    return Output(input.shape, parameters=parameters)


@layer("torchvision.ops.FrozenBatchNorm2d")
def frozen_batch_norm2d(
    input: TensorType, *, num_features: Channels, eps: Epsilon = 1e-5
) -> Output:
    """Batch norm whose statistics and weights never change: ``(N, C, H, W)`` stays.

    https://docs.pytorch.org/vision/main/generated/torchvision.ops.FrozenBatchNorm2d.html
    """
    input.require_weights_dtype("frozen_batch_norm2d")
    names = ("weight", "bias", "running_mean", "running_var")
    return Output(input.shape, buffers=dict.fromkeys(names, (num_features,)))
