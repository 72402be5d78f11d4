"""Pools over an image or a volume."""

from typing import Annotated, Literal

from netspec.declaration import (
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive2d,
    Positive3d,
    Range,
    TensorType,
    at_least,
    for_each_dim,
    layer,
)
from netspec.declaration.refusal import Refusal
from netspec.layers.spatial import by, require_batched_or_not, require_not_empty
from netspec.sizes import Size, ceil_divide

MOST = 2**31 - 1  # torch's pools take int32


@layer("torch.nn.MaxPool2d")
def max_pool2d(
    input: TensorType,
    *,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    padding: NotNegative2d = 0,
    dilation: Positive2d = 1,
    return_indices: Literal[False] = False,
    ceil_mode: bool = False,
) -> Output:
    """The largest value of each window: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``; ``stride``
    is ``kernel_size`` where it is left out, and ``ceil_mode`` rounds up while the last window
    begins inside the input or its left padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """
    return _pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)


@layer("torch.nn.AvgPool2d")
def avg_pool2d(
    input: TensorType,
    *,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    padding: NotNegative2d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Annotated[int, Range(1)] | None = None,
) -> Output:
    """The mean of each window: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - kernel_size)//stride + 1``; ``stride`` is ``kernel_size``
    where it is left out, and ``ceil_mode`` rounds up while the last window begins inside the
    input or its left padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """
    return _pool("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode)


@layer("torch.nn.AdaptiveAvgPool2d")
def adaptive_avg_pool2d(
    input: TensorType,
    *,
    output_size: Annotated[int | tuple[int | None, int | None], Range(1)],
) -> Output:
    """Means that make an image of ``output_size``: ``(N, C, H, W)`` or ``(C, H, W)``.

    A ``null`` in the list keeps that size.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size)


@layer("torch.nn.MaxPool3d")
def max_pool3d(
    input: TensorType,
    *,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    padding: NotNegative3d = 0,
    dilation: Positive3d = 1,
    return_indices: Literal[False] = False,
    ceil_mode: bool = False,
) -> Output:
    """The largest value of each window: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``; ``stride``
    is ``kernel_size`` where it is left out, and ``ceil_mode`` rounds up while the last window
    begins inside the input or its left padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
    """
    return _pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)


@layer("torch.nn.AvgPool3d")
def avg_pool3d(
    input: TensorType,
    *,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    padding: NotNegative3d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Annotated[int, Range(1)] | None = None,
) -> Output:
    """The mean of each window: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - kernel_size)//stride + 1``; ``stride`` is ``kernel_size``
    where it is left out, and ``ceil_mode`` rounds up while the last window begins inside the
    input or its left padding. The kernel fits into the input without its padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
    """
    output = _pool("avg_pool3d", 3, input, kernel_size, stride, padding, 1, ceil_mode)
    needs = output.needs
    kernel = for_each_dim(kernel_size, 3)
    message = f"the window of {by(kernel)} does not fit into the input of {by(input.shape[-3:])}"
    for size, k in zip(input.shape[-3:], kernel, strict=True):
        needs += at_least(size, k, message, "kernel_size")
    return Output(output.shape, needs=needs)


@layer("torch.nn.AdaptiveAvgPool3d")
def adaptive_avg_pool3d(
    input: TensorType,
    *,
    output_size: Annotated[int | tuple[int | None, int | None, int | None], Range(1)],
) -> Output:
    """Means that make a volume of ``output_size``: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    A ``null`` in the list keeps that size.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
    """
    return _adaptive("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive(
    name: str, dims: int, input: TensorType, output_size: int | tuple[int | None, ...]
) -> Output:
    require_batched_or_not(name, input, dims)
    input.require_floating(name)
    needs = require_not_empty(name, input, dims)
    wanted = (output_size,) * dims if isinstance(output_size, int) else output_size
    sizes = tuple(
        size if want is None else want
        for want, size in zip(wanted, input.shape[-dims:], strict=True)
    )
    return Output((*input.shape[:-dims], *sizes), needs=needs)


def _pool(
    name: str,
    dims: int,
    input: TensorType,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    padding: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    ceil_mode: bool,
) -> Output:
    require_batched_or_not(name, input, dims)
    input.require_floating(name)
    needs = require_not_empty(name, input, dims)
    kernel = for_each_dim(kernel_size, dims)
    strides = kernel if stride is None else for_each_dim(stride, dims)
    paddings = for_each_dim(padding, dims)
    dilations = for_each_dim(dilation, dims)
    for argument, numbers in (
        ("kernel_size", kernel),
        ("stride", strides),
        ("padding", paddings),
        ("dilation", dilations),
    ):
        if max(numbers) > MOST:
            raise Refusal(
                f"{argument} is {max(numbers)}, but {name} computes with at most {MOST}",
                argument=argument,
            )
    sizes: list[Size] = []

    def message() -> str:
        return (
            f"the window of {by(kernel)} does not fit into the input of {by(input.shape[-dims:])}"
        )

    for size, k, s, p, d in zip(
        input.shape[-dims:], kernel, strides, paddings, dilations, strict=True
    ):
        if p > k // 2:
            raise Refusal(f"padding {p} is more than half of the kernel's {k}", argument="padding")
        out = _windows(size, d * (k - 1) + 1, s, p, ceil_mode)
        needs += at_least(out, 1, message, "kernel_size")
        sizes.append(out)
    return Output((*input.shape[:-dims], *sizes), needs=needs)


def _windows(size: Size, reach: int, stride: int, padding: int, ceil_mode: bool) -> Size:
    """How many windows fit. With ceil_mode the last one begins before ``size + padding``."""
    if ceil_mode:
        return ceil_divide(size + min(2 * padding - reach + stride, padding), stride)
    return (size + (2 * padding - reach)) // stride + 1


LAYERS = (
    max_pool2d,
    avg_pool2d,
    adaptive_avg_pool2d,
    max_pool3d,
    avg_pool3d,
    adaptive_avg_pool3d,
)
