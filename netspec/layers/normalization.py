"""Normalisations."""

from typing import Annotated

from netspec.declaration import Inferred, Output, Positive, Range, TensorType, at_least, layer
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.diagnostics import listed
from netspec.layers.numbers import require_held, require_int32
from netspec.layers.spatial import (
    require_batched_or_not,
    require_not_empty,
    require_single_or_double,
)
from netspec.layers.weights import weight_and_bias
from netspec.sizes import Size, product

Epsilon = Annotated[float, Range(0)]
Momentum = Annotated[float, Range(0)] | None


def _second_size(input: TensorType, written: object = None) -> Size:
    if input.rank < 2:
        raise Refusal(f"batch norm takes [N, C, ...], but its input is {input}")
    return input.shape[1]


NumFeatures = Annotated[Positive, Inferred("the input's channels (its second size)", _second_size)]


@layer("torch.nn.BatchNorm1d", traits=["subtracts_channel_mean"])
def batch_norm1d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch. Shape: ``(N, C)`` or ``(N, C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
    """
    return _batch_norm(
        "batch_norm1d", (2, 3), input, num_features, eps, affine, track_running_stats, bias
    )


@layer("torch.nn.BatchNorm2d", traits=["subtracts_channel_mean"])
def batch_norm2d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch. Shape: ``(N, C, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """
    return _batch_norm(
        "batch_norm2d", (4,), input, num_features, eps, affine, track_running_stats, bias
    )


@layer("torch.nn.BatchNorm3d", traits=["subtracts_channel_mean"])
def batch_norm3d(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batch. Shape: ``(N, C, D, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
    """
    return _batch_norm(
        "batch_norm3d", (5,), input, num_features, eps, affine, track_running_stats, bias
    )


@layer("torch.nn.SyncBatchNorm", traits=["subtracts_channel_mean"])
def sync_batch_norm(
    input: TensorType,
    *,
    num_features: NumFeatures,
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = True,
    track_running_stats: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises each channel over the batches of all processes. Shape: ``(N, C, *)``.

    Trains on GPUs only.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.SyncBatchNorm.html
    """
    return _batch_norm(
        "sync_batch_norm", (2, 3, 4, 5), input, num_features, eps, affine, track_running_stats, bias
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
            f"{name} takes {listed([sizes[rank] for rank in ranks], 'or')}, "
            f"but its input is {input}",
            help="batch norm needs the batch size in `input`: [N, ...]",
        )
    if eps <= 0:
        raise Refusal(f"eps is {eps}, but {name} needs one above 0 in training", argument="eps")
    _require_dtype(name, input, affine or track_running_stats)
    needs: Needs = ()
    values = product((input.shape[0], *input.shape[2:]))
    if not track_running_stats:
        message = (
            f"{name} without running statistics needs more than one value per channel, "
            f"but its input is {input}"
        )
        needs = at_least(values, 2, message, "track_running_stats")
    return Output(
        input.shape,
        parameters=_weights((num_features,), affine, bias),
        buffers=_running_statistics(num_features) if track_running_stats else {},
        needs=needs,
        warnings=_too_few_to_train(name, input, values) if track_running_stats else (),
        saves=("input",),
        saved_bytes=2 * num_features * _precise(input, affine or track_running_stats),
    )


def _too_few_to_train(name: str, input: TensorType, values: Size) -> tuple[str, ...]:
    """With running statistics one value is enough in evaluation, and torch refuses to train."""
    if values != 1:
        return ()
    return (
        f"{name} has one value per channel in {input}: it runs in evaluation, but training needs "
        "more than one, as batches or places",
    )


def _channels(dims: int) -> Inferred:
    def find(input: TensorType, written: object = None) -> Size:
        require_batched_or_not(f"instance_norm{dims}d", input, dims)
        return input.shape[-dims - 1]

    return Inferred("the input's channels", find)


@layer("torch.nn.InstanceNorm1d")
def instance_norm1d(
    input: TensorType,
    *,
    num_features: Annotated[Positive, _channels(1)],
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = False,
    track_running_stats: bool = False,
    bias: bool = True,
) -> Output:
    """Normalises each channel of each sample. Shape: ``(N, C, L)`` or ``(C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm1d.html
    """
    return _instance_norm(1, input, num_features, eps, affine, track_running_stats, bias)


@layer("torch.nn.InstanceNorm2d")
def instance_norm2d(
    input: TensorType,
    *,
    num_features: Annotated[Positive, _channels(2)],
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = False,
    track_running_stats: bool = False,
    bias: bool = True,
) -> Output:
    """Normalises each channel of each sample. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
    """
    return _instance_norm(2, input, num_features, eps, affine, track_running_stats, bias)


@layer("torch.nn.InstanceNorm3d")
def instance_norm3d(
    input: TensorType,
    *,
    num_features: Annotated[Positive, _channels(3)],
    eps: Epsilon = 1e-5,
    momentum: Momentum = 0.1,
    affine: bool = False,
    track_running_stats: bool = False,
    bias: bool = True,
) -> Output:
    """Normalises each channel of each sample. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm3d.html
    """
    return _instance_norm(3, input, num_features, eps, affine, track_running_stats, bias)


def _instance_norm(
    dims: int,
    input: TensorType,
    num_features: int,
    eps: float,
    affine: bool,
    track_running_stats: bool,
    bias: bool,
) -> Output:
    name = f"instance_norm{dims}d"
    if eps <= 0:
        raise Refusal(f"eps is {eps}, but {name} needs one above 0 in training", argument="eps")
    _require_dtype(name, input, affine)
    needs = require_not_empty(name, input, dims)
    places = product(input.shape[-dims:])
    if not track_running_stats:
        message = f"{name} needs more than one value to normalise, but its input is {input}"
        needs += at_least(places, 2, message)
    batch = input.shape[: -dims - 1]
    if batch and affine:
        needs += at_least(batch[0], 1, f"{name} with weights takes no empty batch")
    # Mean and deviation of each channel of each sample, and torch repeats weights and statistics.
    numbers = product((*batch, num_features)) * (2 + affine + 2 * track_running_stats)
    return Output(
        input.shape,
        parameters=_weights((num_features,), affine, bias),
        buffers=_running_statistics(num_features) if track_running_stats else {},
        needs=needs,
        warnings=_too_few_to_train(name, input, places) if track_running_stats else (),
        saves=("input",),
        saved_bytes=numbers * _precise(input, affine),
    )


@layer("torch.nn.GroupNorm")
def group_norm(
    input: TensorType,
    *,
    num_groups: Positive,
    num_channels: NumFeatures,
    eps: Epsilon = 1e-5,
    affine: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises groups of channels of each sample. Shape: ``(N, C, *)``, unchanged.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
    """
    if num_channels % num_groups:
        raise Refusal(
            f"{num_channels} channels cannot be split into {num_groups} groups",
            argument="num_groups",
            help=f"a divisor of {num_channels}, for example {_divisor(num_channels, num_groups)}",
        )
    _require_dtype("group_norm", input, affine)
    values = product((input.shape[0], num_channels // num_groups, *input.shape[2:]))
    message = f"group_norm needs more than one value to normalise, but its input is {input}"
    return Output(
        input.shape,
        parameters=_weights((num_channels,), affine, bias),
        needs=at_least(values, 2, message),
        saves=("input",),
        saved_bytes=2 * input.shape[0] * num_groups * _precise(input, affine),
    )


def _divisor(whole: int, near: int) -> int:
    """The divisor of a number that is nearest to another number."""
    divisors = [n for n in range(1, min(whole, 10_000) + 1) if whole % n == 0]
    return min(divisors, key=lambda n: abs(n - near))


def _require_dtype(name: str, input: TensorType, has_state: bool) -> None:
    """Halves are normalised by float32 numbers."""
    if has_state and input.dtype not in ("float16", "bfloat16"):
        input.require_weights_dtype(name)
    input.require_floating(name)


def _precise(input: TensorType, has_state: bool) -> int:
    """The bytes of a mean or a deviation: beside float32 weights halves have them in float32."""
    return max(4, input.itemsize) if has_state else input.itemsize


def _weights(shape: tuple[int, ...], affine: bool, bias: bool) -> dict[str, tuple[int, ...]]:
    return weight_and_bias(shape, shape, bias) if affine else {}


def _running_statistics(num_features: int) -> dict[str, tuple[int, ...]]:
    return {
        "running_mean": (num_features,),
        "running_var": (num_features,),
        "num_batches_tracked": (),
    }


def _last_sizes(input: TensorType, written: object = None) -> tuple[Size, ...]:
    """As many of the last sizes as are written; the last one where none is."""
    count = len(written) if isinstance(written, tuple) else 1
    if not 0 < count <= input.rank:
        raise Refusal(
            f"normalized_shape takes from 1 to {input.rank} sizes for the input {input}",
            argument="normalized_shape",
        )
    return input.shape[-count:]


NormalizedShape = Annotated[
    int | tuple[int, ...], Range(1), Inferred("the input's last size", _last_sizes)
]


@layer("torch.nn.LayerNorm", obvious="normalized_shape")
def layer_norm(
    input: TensorType,
    *,
    normalized_shape: NormalizedShape,
    eps: Epsilon = 1e-5,
    elementwise_affine: bool = True,
    bias: bool = True,
) -> Output:
    """Normalises over the last dimensions. Shape: ``(*, normalized_shape)``, unchanged.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
    """
    input.require_floating("layer_norm")
    if elementwise_affine:
        input.require_weights_dtype("layer_norm")
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    return Output(
        input.shape,
        parameters=_weights(shape, elementwise_affine, bias),
        saves=("input",),
        saved_bytes=2 * product(input.shape[: -len(shape)]) * input.itemsize,
    )


@layer("torch.nn.RMSNorm", obvious="normalized_shape")
def rms_norm(
    input: TensorType,
    *,
    normalized_shape: NormalizedShape,
    eps: Epsilon | None = None,
    elementwise_affine: bool = True,
) -> Output:
    """Divides by the root mean square over the last dimensions. Shape: ``(*, normalized_shape)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
    """
    input.require_floating("rms_norm")
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    precise = max(4, input.itemsize)
    saved = product(input.shape[: -len(shape)]) * precise
    if input.itemsize < 4:
        saved = saved + input.numel * precise  # halves are computed with in float32
    if elementwise_affine:
        saved = saved + input.numel * precise
    return Output(
        input.shape,
        parameters=_weights(shape, elementwise_affine, False),
        saves=("input",) if input.itemsize >= 4 else (),
        saved_bytes=saved,
    )


@layer("torch.nn.LocalResponseNorm")
def local_response_norm(
    input: TensorType,
    *,
    size: Positive,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Output:
    """Normalises over ``size`` neighbouring channels. Shape: ``(N, C, *)``, unchanged.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
    """
    if input.rank < 3:
        raise Refusal(f"local_response_norm takes [N, C, *], but its input is {input}")
    input.require_floating("local_response_norm")
    require_int32("local_response_norm", "size", size)
    if input.rank > 3:
        require_single_or_double("local_response_norm", input)
    padded = product((input.shape[0], input.shape[1] + (size - 1), *input.shape[2:]))
    return Output(
        input.shape,
        saves=("input",),
        saved_bytes=padded * input.itemsize + 2 * input.nbytes,
    )


@layer("torch.nn.CrossMapLRN2d")
def cross_map_lrn2d(
    input: TensorType,
    *,
    size: Positive,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1,
) -> Output:
    """Local response normalisation of images. Shape: ``(N, C, H, W)``, unchanged.

    Like local_response_norm, which is faster. torch does not document this class.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LocalResponseNorm.html
    """
    if input.rank != 4:
        raise Refusal(f"cross_map_lrn2d takes [N, C, H, W], but its input is {input}")
    input.require_floating("cross_map_lrn2d")
    for argument, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        require_held(input.dtype, value, argument)
    return Output(
        input.shape,
        needs=at_least(input.shape[1], 1, "cross_map_lrn2d needs at least one channel"),
        saves=("input", "output"),
    )
