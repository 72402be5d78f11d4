"""Normalisations."""

from typing import Annotated

from netspec.declaration import Inferred, Output, Positive, Range, TensorType, at_least, layer
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, product

Epsilon = Annotated[float, Range(0)]


def _second_size(input: TensorType, written: object = None) -> Size:
    if input.rank < 2:
        raise Refusal(f"batch norm takes [N, C, ...], but its input is {input}")
    return input.shape[1]


NumFeatures = Annotated[Positive, Inferred("the input's channels (its second size)", _second_size)]


@layer("torch.nn.BatchNorm1d")
def batch_norm1d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Annotated[float, Range(0)] | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch: ``(N, C)`` or ``(N, C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
    """
    return _batch_norm(
        "batch_norm1d", (2, 3), input, num_features, eps, affine, track_running_stats, bias
    )


@layer("torch.nn.BatchNorm2d")
def batch_norm2d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Annotated[float, Range(0)] | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch: ``(N, C, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """
    return _batch_norm(
        "batch_norm2d", (4,), input, num_features, eps, affine, track_running_stats, bias
    )


@layer("torch.nn.BatchNorm3d")
def batch_norm3d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Annotated[float, Range(0)] | None = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch: ``(N, C, D, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
    """
    return _batch_norm(
        "batch_norm3d", (5,), input, num_features, eps, affine, track_running_stats, bias
    )


def _batch_norm(
    name: str,
    ranks: tuple[int, ...],
    input: TensorType,
    num_features: int,
    eps: float,
    affine: bool,
    track_running_stats: bool,
    bias: bool,
) -> Output:
    if input.rank not in ranks:
        sizes = {2: "[N, C]", 3: "[N, C, L]", 4: "[N, C, H, W]", 5: "[N, C, D, H, W]"}
        raise Refusal(
            f"{name} takes {' or '.join(sizes[rank] for rank in ranks)}, but its input is {input}",
            help="batch norm needs the batch size in `input`: [N, ...]",
        )
    if eps <= 0:
        raise Refusal(f"eps is {eps}, but {name} needs one above 0 in training", argument="eps")
    needs: Needs = ()
    if (affine or track_running_stats) and input.dtype not in ("float16", "bfloat16"):
        input.require_weights_dtype(name)  # halves are normalised by float32 numbers
    input.require_floating(name)
    parameters: dict[str, tuple[int, ...]] = {}
    if affine:
        parameters = {"weight": (num_features,)}
        if bias:
            parameters["bias"] = (num_features,)
    buffers: dict[str, tuple[int, ...]] = {}
    if track_running_stats:
        buffers = {
            "running_mean": (num_features,),
            "running_var": (num_features,),
            "num_batches_tracked": (),
        }
    else:
        values = product((input.shape[0], *input.shape[2:]))
        message = (
            f"{name} without running statistics needs more than one value per channel, "
            f"but its input is {input}"
        )
        needs = at_least(values, 2, message, "track_running_stats")
    return Output(input.shape, parameters=parameters, buffers=buffers, needs=needs)


def _last_sizes(input: TensorType, written: object = None) -> tuple[Size, ...]:
    """As many of the last sizes as are written; the last one where none is."""
    count = len(written) if isinstance(written, tuple) else 1
    if not 0 < count <= input.rank:
        raise Refusal(
            f"normalized_shape takes from 1 to {input.rank} sizes for the input {input}",
            argument="normalized_shape",
        )
    return input.shape[-count:]


@layer("torch.nn.LayerNorm", obvious="normalized_shape")
def layer_norm(
    input: TensorType,
    *,
    normalized_shape: Annotated[
        int | tuple[int, ...], Range(1), Inferred("the input's last size", _last_sizes)
    ],
    eps: Epsilon = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises over the last sizes: ``(*, normalized_shape)`` keeps its shape.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
    """
    input.require_floating("layer_norm")
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    parameters: dict[str, tuple[int, ...]] = {}
    if elementwise_affine:
        input.require_weights_dtype("layer_norm")
        parameters = {"weight": shape}
        if bias:
            parameters["bias"] = shape
    return Output(input.shape, parameters=parameters)


LAYERS = (
    batch_norm1d,
    batch_norm2d,
    batch_norm3d,
    layer_norm,
)
