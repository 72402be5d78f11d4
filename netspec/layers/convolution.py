"""Convolutions: plain and transposed."""

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
from netspec.layers.padding import mode_needs
from netspec.layers.spatial import by, grown, require_batched_or_not, require_not_empty
from netspec.layers.weights import weight_and_bias
from netspec.sizes import Size, product

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
PaddingWord = Literal["valid", "same"]


def _in_channels(dims: int, name: str = "conv") -> Inferred:
    def find(input: TensorType, written: object = None) -> Size:
        require_batched_or_not(f"{name}{dims}d", input, dims)
        return input.shape[-dims - 1]

    return Inferred("the input's channels", find)


@layer("torch.nn.Conv1d", traits=["adds_channel_bias"])
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
    """Convolution over a sequence. Shape: ``(N, C, L)`` or ``(C, L)``.

    The length becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html
    """
    return _convolution(
        1, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


@layer("torch.nn.Conv2d", traits=["adds_channel_bias"])
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
    """Convolution over an image. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html
    """
    return _convolution(
        2, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


@layer("torch.nn.Conv3d", traits=["adds_channel_bias"])
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
    """Convolution over a volume. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html
    """
    return _convolution(
        3, input, in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
        bias, padding_mode,
    )  # fmt: skip


@layer("torch.nn.ConvTranspose1d", traits=["adds_channel_bias"])
def conv_transpose1d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(1, "conv_transpose")],
    out_channels: Positive,
    kernel_size: Positive1d,
    stride: Positive1d = 1,
    padding: NotNegative1d = 0,
    output_padding: NotNegative1d = 0,
    groups: Positive = 1,
    bias: bool = True,
    dilation: Positive1d = 1,
    padding_mode: Literal["zeros"] = "zeros",
) -> Output:
    """Transposed convolution over a sequence. Shape: ``(N, C, L)`` or ``(C, L)``.

    The length becomes
    ``(L - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose1d.html
    """
    return _transposed(
        1, input, in_channels, out_channels, kernel_size, stride, padding, output_padding,
        groups, bias, dilation,
    )  # fmt: skip


@layer("torch.nn.ConvTranspose2d", traits=["adds_channel_bias"])
def conv_transpose2d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(2, "conv_transpose")],
    out_channels: Positive,
    kernel_size: Positive2d,
    stride: Positive2d = 1,
    padding: NotNegative2d = 0,
    output_padding: NotNegative2d = 0,
    groups: Positive = 1,
    bias: bool = True,
    dilation: Positive2d = 1,
    padding_mode: Literal["zeros"] = "zeros",
) -> Output:
    """Transposed convolution over an image. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes
    ``(L - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html
    """
    return _transposed(
        2, input, in_channels, out_channels, kernel_size, stride, padding, output_padding,
        groups, bias, dilation,
    )  # fmt: skip


@layer("torch.nn.ConvTranspose3d", traits=["adds_channel_bias"])
def conv_transpose3d(
    input: TensorType,
    *,
    in_channels: Annotated[Positive, _in_channels(3, "conv_transpose")],
    out_channels: Positive,
    kernel_size: Positive3d,
    stride: Positive3d = 1,
    padding: NotNegative3d = 0,
    output_padding: NotNegative3d = 0,
    groups: Positive = 1,
    bias: bool = True,
    dilation: Positive3d = 1,
    padding_mode: Literal["zeros"] = "zeros",
) -> Output:
    """Transposed convolution over a volume. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes
    ``(L - 1)*stride - 2*padding + dilation*(kernel_size - 1) + output_padding + 1``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose3d.html
    """
    return _transposed(
        3, input, in_channels, out_channels, kernel_size, stride, padding, output_padding,
        groups, bias, dilation,
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
    needs = _groups_of_an_image(f"conv{dims}d", dims, input, in_channels, out_channels, groups)
    kernel = for_each_dim(kernel_size, dims)
    strides = for_each_dim(stride, dims)
    reach = _reach(kernel, dilation)
    before, after = _padding(padding, reach, strides, dims)
    sizes = input.shape[-dims:]
    if padding_mode != "zeros":
        for number, (b, a) in enumerate(zip(before, after, strict=True)):
            at = input.rank - dims + number
            needs += mode_needs(padding_mode, input, at, b, a, "padding")
    padded = [size + b + a for size, b, a in zip(sizes, before, after, strict=True)]

    def message() -> str:
        return f"the kernel of {by(reach)} is larger than the padded input of {by(padded)}"

    for size, least in zip(padded, reach, strict=True):
        needs += at_least(size, least, message, "kernel_size")
    out = tuple((p - r) // s + 1 for p, r, s in zip(padded, reach, strides, strict=True))
    shape = (*input.shape[: -dims - 1], out_channels, *out)
    saves, saved_bytes = _saved(input, padding_mode, before, after)
    weight = (out_channels, in_channels // groups, *kernel)
    return Output(
        shape,
        parameters=weight_and_bias(weight, (out_channels,), bias),
        macs=product(shape) * (in_channels // groups * product(kernel)),
        needs=needs,
        saves=saves,
        saved_bytes=saved_bytes,
    )


def _transposed(
    dims: int,
    input: TensorType,
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    output_padding: int | tuple[int, ...],
    groups: int,
    bias: bool,
    dilation: int | tuple[int, ...],
) -> Output:
    name = f"conv_transpose{dims}d"
    needs = _groups_of_an_image(name, dims, input, in_channels, out_channels, groups)
    kernel = for_each_dim(kernel_size, dims)
    strides = for_each_dim(stride, dims)
    paddings = for_each_dim(padding, dims)
    more = for_each_dim(output_padding, dims)
    for m, s, d in zip(more, strides, for_each_dim(dilation, dims), strict=True):
        if m >= max(s, d):
            raise Refusal(
                f"output_padding {m} is not smaller than the stride {s} or the dilation {d}",
                argument="output_padding",
                help="it makes up for what a stride cuts off: at most the stride less 1",
            )
    reach = _reach(kernel, dilation)
    out, of_sizes = grown(input.shape[-dims:], reach, strides, paddings, more)
    needs += of_sizes
    per_input = out_channels // groups * product(kernel)
    weight = (in_channels, out_channels // groups, *kernel)
    return Output(
        (*input.shape[: -dims - 1], out_channels, *out),
        parameters=weight_and_bias(weight, (out_channels,), bias),
        macs=input.numel * per_input,
        needs=needs,
        saves=("input",),
    )


def _groups_of_an_image(
    name: str, dims: int, input: TensorType, in_channels: int, out_channels: int, groups: int
) -> Needs:
    """What has to be true of the input.

    Raises:
        Refusal: it is no image of float32, or the channels cannot be split into groups.
    """
    require_batched_or_not(name, input, dims)
    input.require_weights_dtype(name)
    for what, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise Refusal(
                f"{what} {channels} cannot be split into {groups} groups", argument="groups"
            )
    return require_not_empty(name, input, dims)


def _reach(kernel: tuple[int, ...], dilation: int | tuple[int, ...]) -> list[int]:
    """The extent of a kernel in each dimension, including dilation."""
    dilations = for_each_dim(dilation, len(kernel))
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]


def _saved(
    input: TensorType, padding_mode: str, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[tuple[str, ...], Size]:
    """What is kept for the backward pass: the input, or the copy of it that was padded first.

    Zeros are added in the convolution itself, but for one that `same` puts on one side only.
    """
    if padding_mode == "zeros":
        before, after = (0,) * len(before), tuple(a - b for a, b in zip(after, before, strict=True))
        if not any(after):
            return ("input",), 0
    sizes = zip(input.shape[-len(before) :], before, after, strict=True)
    padded = (*input.shape[: -len(before)], *(size + b + a for size, b, a in sizes))
    keeps_both = padding_mode in ("reflect", "replicate")
    return ("input",) if keeps_both else (), product(padded) * input.itemsize


def _padding(
    padding: int | tuple[int, ...] | str, reach: list[int], strides: tuple[int, ...], dims: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding before and after each dimension; `same` adds an odd one after."""
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
