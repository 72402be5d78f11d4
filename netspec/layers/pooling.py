"""Pools: over sliding windows of a sequence, an image or a volume."""

from typing import Annotated

from netspec.declaration import (
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive,
    Positive1d,
    Positive2d,
    Positive3d,
    Range,
    TensorType,
    at_least,
    for_each_dim,
    layer,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.numbers import require_held, require_int32
from netspec.layers.spatial import (
    by,
    require_batched_or_not,
    require_not_empty,
    require_single_or_double,
    with_indices,
)
from netspec.sizes import Size, ceil_divide, product


@layer("torch.nn.MaxPool1d")
def max_pool1d(
    input: TensorType,
    *,
    kernel_size: Positive1d,
    stride: Positive1d | None = None,
    padding: NotNegative1d = 0,
    dilation: Positive1d = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> Output:
    """Maximum over each window. Shape: ``(N, C, L)`` or ``(C, L)``.

    The length becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``; ``stride``
    defaults to ``kernel_size``, and ``ceil_mode`` rounds up while the last window
    begins inside the input or its left padding. With ``return_indices`` the outputs are
    ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html
    """
    shape, needs = _pooled(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return with_indices(input, 1, shape, needs, return_indices)


@layer("torch.nn.AvgPool1d")
def avg_pool1d(
    input: TensorType,
    *,
    kernel_size: Positive1d,
    stride: Positive1d | None = None,
    padding: NotNegative1d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Output:
    """Mean over each window. Shape: ``(N, C, L)`` or ``(C, L)``.

    The length becomes ``(L + 2*padding - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the
    input or its left padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html
    """
    shape, needs = _pooled("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)
    return Output(shape, needs=needs, saves=("input",))


@layer("torch.nn.LPPool1d")
def lp_pool1d(
    input: TensorType,
    *,
    norm_type: float,
    kernel_size: Positive,
    stride: Positive1d | None = None,
    ceil_mode: bool = False,
) -> Output:
    """Norm of each window, ``sum(x**p)**(1/p)``. Shape: ``(N, C, L)`` or ``(C, L)``.

    The length becomes ``(L - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the input.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LPPool1d.html
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@layer("torch.nn.MaxPool2d")
def max_pool2d(
    input: TensorType,
    *,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    padding: NotNegative2d = 0,
    dilation: Positive2d = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> Output:
    """Maximum over each window. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``; ``stride``
    defaults to ``kernel_size``, and ``ceil_mode`` rounds up while the last window
    begins inside the input or its left padding. With ``return_indices`` the outputs are
    ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
    """
    shape, needs = _pooled(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return with_indices(input, 2, shape, needs, return_indices)


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
    """Mean over each window. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L + 2*padding - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the
    input or its left padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html
    """
    shape, needs = _pooled("avg_pool2d", 2, input, kernel_size, stride, padding, 1, ceil_mode)
    return Output(shape, needs=needs, saves=("input",))


@layer("torch.nn.LPPool2d")
def lp_pool2d(
    input: TensorType,
    *,
    norm_type: float,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    ceil_mode: bool = False,
) -> Output:
    """Norm of each window, ``sum(x**p)**(1/p)``. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``(L - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the input.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LPPool2d.html
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@layer("torch.nn.MaxPool3d")
def max_pool3d(
    input: TensorType,
    *,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    padding: NotNegative3d = 0,
    dilation: Positive3d = 1,
    return_indices: bool = False,
    ceil_mode: bool = False,
) -> Output:
    """Maximum over each window. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1``; ``stride``
    defaults to ``kernel_size``, and ``ceil_mode`` rounds up while the last window
    begins inside the input or its left padding. With ``return_indices`` the outputs are
    ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool3d.html
    """
    shape, needs = _pooled(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode
    )
    return with_indices(input, 3, shape, needs, return_indices)


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
    """Mean over each window. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L + 2*padding - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the
    input or its left padding. The kernel fits into the input without its padding.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool3d.html
    """
    shape, needs = _pooled("avg_pool3d", 3, input, kernel_size, stride, padding, 1, ceil_mode)
    needs += _fits("avg_pool3d", input, kernel_size)
    return Output(shape, needs=needs, saves=("input",))


@layer("torch.nn.LPPool3d")
def lp_pool3d(
    input: TensorType,
    *,
    norm_type: float,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    ceil_mode: bool = False,
) -> Output:
    """Norm of each window, ``sum(x**p)**(1/p)``. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``(L - kernel_size)//stride + 1``; ``stride`` defaults to
    ``kernel_size``, and ``ceil_mode`` rounds up while the last window begins inside the input. The
    kernel fits into the input.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LPPool3d.html
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    name: str,
    dims: int,
    input: TensorType,
    norm_type: float,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    ceil_mode: bool,
) -> Output:
    if norm_type == 0:
        raise Refusal(
            "a norm of 0 has no root: norm_type is 1, 2 or any other", argument="norm_type"
        )
    shape, needs = _pooled(name, dims, input, kernel_size, stride, 0, 1, ceil_mode)
    for power in (norm_type, 1 / norm_type):
        require_held(input.dtype, power, "norm_type")
    if dims == 3:
        needs += _fits(name, input, kernel_size)
    # The powers, and of the means: themselves, their signs, what relu leaves, and their products.
    saved = (input.numel + product(shape) * 4) * input.itemsize
    return Output(shape, needs=needs, saves=("input",), saved_bytes=saved)


def _fits(name: str, input: TensorType, kernel_size: int | tuple[int, ...]) -> Needs:
    """Checks that the window fits into the volume without padding, as torch requires.

    Raises:
        Refusal: it does not, or the dtype is one that only some devices have.
    """
    require_single_or_double(name, input)
    kernel = for_each_dim(kernel_size, 3)

    def message() -> str:
        return f"the window of {by(kernel)} does not fit into the input of {by(input.shape[-3:])}"

    needs: Needs = ()
    for size, k in zip(input.shape[-3:], kernel, strict=True):
        needs += at_least(size, k, message, "kernel_size")
    return needs


def _pooled(
    name: str,
    dims: int,
    input: TensorType,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    padding: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    ceil_mode: bool,
) -> tuple[tuple[Size, ...], Needs]:
    """The output shape of a pool, and its conditions."""
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
        require_int32(name, argument, *numbers)
    sizes: list[Size] = []

    def message() -> str:
        return (
            f"the window of {by(kernel)} does not fit into the input of {by(input.shape[-dims:])}"
        )

    for size, k, s, p, d in zip(
        input.shape[-dims:], kernel, strides, paddings, dilations, strict=True
    ):
        if p > k // 2:
            raise Refusal(
                f"padding {p} is more than half of the kernel's {k}",
                argument="padding",
                help=f"a pool pads less than its windows cover: write at most {k // 2}",
            )
        out = _windows(size, d * (k - 1) + 1, s, p, ceil_mode)
        needs += at_least(out, 1, message, "kernel_size")
        sizes.append(out)
    return (*input.shape[:-dims], *sizes), needs


def _windows(size: Size, reach: int, stride: int, padding: int, ceil_mode: bool) -> Size:
    """How many windows fit. With ceil_mode the last one begins before ``size + padding``."""
    if ceil_mode:
        return ceil_divide(size + min(2 * padding - reach + stride, padding), stride)
    return (size + (2 * padding - reach)) // stride + 1
