"""Convolutions."""

from typing import Annotated, Literal

from netspec.declaration import (
    Inferred,
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive,
    Positive1d,
    Positive2d,
    Positive3d,
    TensorType,
    at_least,
    for_each_dim,
    layer,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.spatial import by, require_batched_or_not, require_not_empty
from netspec.sizes import Size, product

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
PaddingWord = Literal["valid", "same"]


def _in_channels(dims: int) -> Inferred:
    def find(input: TensorType, written: object = None) -> Size:
        require_batched_or_not(f"conv{dims}d", input, dims)
        return input.shape[-dims - 1]

    return Inferred("the input's channels", find)


@layer("torch.nn.Conv1d")
def conv1d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(1)],
    out_channels: Positive,
    kernel_size: Positive1d,
    stride: Positive1d = 1,
    padding: NotNegative1d | PaddingWord = 0,
    dilation: Positive1d = 1,
    groups: Positive = 1,
    bias: bool = True,
    padding_mode: PaddingMode = "zeros",
) -> Output:
    """Slides kernels over one dim: ``(N, C, L)`` or ``(C, L)``.

    The length becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
    """
    return _convolution(
        1, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


@layer("torch.nn.Conv2d")
def conv2d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(2)],
    out_channels: Positive,
    kernel_size: Positive2d,
    stride: Positive2d = 1,
    padding: NotNegative2d | PaddingWord = 0,
    dilation: Positive2d = 1,
    groups: Positive = 1,
    bias: bool = True,
    padding_mode: PaddingMode = "zeros",
) -> Output:
    """Slides kernels over an image: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """
    return _convolution(
        2, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


@layer("torch.nn.Conv3d")
def conv3d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(3)],
    out_channels: Positive,
    kernel_size: Positive3d,
    stride: Positive3d = 1,
    padding: NotNegative3d | PaddingWord = 0,
    dilation: Positive3d = 1,
    groups: Positive = 1,
    bias: bool = True,
    padding_mode: PaddingMode = "zeros",
) -> Output:
    """Slides kernels over a volume: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
    """
    return _convolution(
        3, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


def _convolution(
    dims: int,
    input: TensorType,
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] | str,
    dilation: int | tuple[int, ...],
    groups: int,
    bias: bool,
    padding_mode: str,
) -> Output:
    name = f"conv{dims}d"
    require_batched_or_not(name, input, dims)
    input.require_weights_dtype(name)
    for what, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise Refusal(
                f"{what} {channels} cannot be split into {groups} groups", argument="groups"
            )
    kernel = for_each_dim(kernel_size, dims)
    strides = for_each_dim(stride, dims)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, for_each_dim(dilation, dims), strict=True)]
    before, after = _padding(padding, reach, strides, dims)
    sizes = input.shape[-dims:]
    needs = require_not_empty(name, input, dims)
    needs += _padding_needs(padding_mode, sizes, before, after)
    padded = [size + b + a for size, b, a in zip(sizes, before, after, strict=True)]

    def message() -> str:
        return f"the kernel of {by(reach)} is larger than the padded input of {by(padded)}"

    for size, least in zip(padded, reach, strict=True):
        needs += at_least(size, least, message, "kernel_size")
    out = tuple((p - r) // s + 1 for p, r, s in zip(padded, reach, strides, strict=True))
    parameters: dict[str, tuple[int, ...]] = {
        "weight": (out_channels, in_channels // groups, *kernel)
    }
    if bias:
        parameters["bias"] = (out_channels,)
    shape = (*input.shape[: -dims - 1], out_channels, *out)
    weights_per_output = in_channels // groups * product(kernel)
    return Output(
        shape, parameters=parameters, macs=product(shape) * weights_per_output, needs=needs
    )


def _padding(
    padding: int | tuple[int, ...] | str, reach: list[int], strides: tuple[int, ...], dims: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is added before and after each dim. `same` puts an odd one after."""
    if padding == "valid":
        padding = 0
    if padding == "same":
        if any(stride != 1 for stride in strides):
            raise Refusal(
                f"padding `same` keeps the sizes, which stride {by(strides)} would not",
                argument="padding",
                help="write the padding as a number: `padding: 1` for a kernel of 3",
            )
        total = [r - 1 for r in reach]
        return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    assert not isinstance(padding, str)
    both = for_each_dim(padding, dims)
    return both, both


def _padding_needs(
    mode: str, sizes: tuple[Size, ...], before: tuple[int, ...], after: tuple[int, ...]
) -> Needs:
    """Reflecting needs more values than are added, going round at least as many."""
    needs: Needs = ()
    if mode in ("reflect", "circular"):
        for size, b, a in zip(sizes, before, after, strict=True):
            most = max(b, a)
            least = most + 1 if mode == "reflect" else most
            message = f"padding_mode {mode} cannot add {most} values to a size of {size}"
            needs += at_least(size, least, message, "padding")
    return needs


LAYERS = (
    conv1d,
    conv2d,
    conv3d,
)
