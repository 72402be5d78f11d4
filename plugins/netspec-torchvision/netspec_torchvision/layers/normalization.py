"""Normalisations of images."""

from typing import Annotated

from netspec.plugin import Inferred, Output, Positive, Positive1d, Range, TensorType, layer
from netspec_torchvision.layers.common import Shapes, require_sizes, second_size

Epsilon = Annotated[float, Range(0)]
_CHANNELS = Inferred("the input's channels (its second size)", second_size)


@layer("torchvision.models.convnext.LayerNorm2d", obvious="normalized_shape")
def layer_norm2d(
    input: TensorType,
    *,
    normalized_shape: Annotated[Positive1d, _CHANNELS],
    eps: Epsilon = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises the channels of each pixel, as in ConvNeXt: ``(N, C, H, W)`` keeps its shape.

    It is a ``layer_norm`` between two ``permute``.
    https://github.com/pytorch/vision/blob/main/torchvision/models/convnext.py
    """
    require_sizes("layer_norm2d", input, "N, C, H, W")
    input.require_floating("layer_norm2d")
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    parameters: Shapes = {}
    if elementwise_affine:
        input.require_weights_dtype("layer_norm2d")
        parameters = {"weight": shape}
        if bias:
            parameters["bias"] = shape
    pixels = TensorType((input.shape[0], *input.shape[2:]), input.dtype)
    return Output(
        input.shape,
        parameters=parameters,
        saves=("input",),
        saved_bytes=2 * pixels.nbytes,  # their means and deviations
    )


@layer("torchvision.ops.FrozenBatchNorm2d")
def frozen_batch_norm2d(
    input: TensorType, *, num_features: Annotated[Positive, _CHANNELS], eps: Epsilon = 1e-5
) -> Output:
    """Batch norm whose statistics, weight and bias are buffers: ``(N, C, H, W)`` stays.

    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.FrozenBatchNorm2d.html
    """
    require_sizes("frozen_batch_norm2d", input, "N, C, H, W")
    input.require_floating("frozen_batch_norm2d")
    names = ("weight", "bias", "running_mean", "running_var")
    dtype = "float64" if input.dtype == "float64" else "float32"  # halves times float32 buffers
    return Output(
        input.shape,
        dtype=dtype,
        buffers=dict.fromkeys(names, (num_features,)),
        saved_bytes=TensorType((num_features,), dtype).nbytes,  # one scale of all four
    )
