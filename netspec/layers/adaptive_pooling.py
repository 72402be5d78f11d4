"""Adaptive pools: pools with a given output size."""

from typing import Annotated

from netspec.declaration import Output, Range, TensorType, layer
from netspec.declaration.output import Needs
from netspec.layers.spatial import require_batched_or_not, require_not_empty, with_indices
from netspec.sizes import Size

Size1d = Annotated[int | tuple[int], Range(1)]
Size2d = Annotated[int | tuple[int | None, int | None], Range(1)]
Size3d = Annotated[int | tuple[int | None, int | None, int | None], Range(1)]


@layer("torch.nn.AdaptiveAvgPool1d")
def adaptive_avg_pool1d(input: TensorType, *, output_size: Size1d) -> Output:
    """Averages to ``output_size``. Shape: ``(N, C, L)`` or ``(C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool1d.html
    """
    return _means("adaptive_avg_pool1d", 1, input, output_size)


@layer("torch.nn.AdaptiveMaxPool1d")
def adaptive_max_pool1d(
    input: TensorType, *, output_size: Size1d, return_indices: bool = False
) -> Output:
    """Maxima to ``output_size``. Shape: ``(N, C, L)`` or ``(C, L)``.

    With ``return_indices`` the outputs are ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool1d.html
    """
    shape, needs = _adapted("adaptive_max_pool1d", 1, input, output_size)
    return with_indices(input, 1, shape, needs, return_indices)


@layer("torch.nn.AdaptiveAvgPool2d")
def adaptive_avg_pool2d(input: TensorType, *, output_size: Size2d) -> Output:
    """Averages to ``output_size``. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    ``null`` in ``output_size`` keeps that size.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
    """
    return _means("adaptive_avg_pool2d", 2, input, output_size)


@layer("torch.nn.AdaptiveMaxPool2d")
def adaptive_max_pool2d(
    input: TensorType, *, output_size: Size2d, return_indices: bool = False
) -> Output:
    """Maxima to ``output_size``. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    ``null`` in ``output_size`` keeps that size. With ``return_indices`` the outputs are
    ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool2d.html
    """
    shape, needs = _adapted("adaptive_max_pool2d", 2, input, output_size)
    return with_indices(input, 2, shape, needs, return_indices)


@layer("torch.nn.AdaptiveAvgPool3d")
def adaptive_avg_pool3d(input: TensorType, *, output_size: Size3d) -> Output:
    """Averages to ``output_size``. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    ``null`` in ``output_size`` keeps that size.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool3d.html
    """
    return _means("adaptive_avg_pool3d", 3, input, output_size)


@layer("torch.nn.AdaptiveMaxPool3d")
def adaptive_max_pool3d(
    input: TensorType, *, output_size: Size3d, return_indices: bool = False
) -> Output:
    """Maxima to ``output_size``. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    ``null`` in ``output_size`` keeps that size. With ``return_indices`` the outputs are
    ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveMaxPool3d.html
    """
    shape, needs = _adapted("adaptive_max_pool3d", 3, input, output_size)
    return with_indices(input, 3, shape, needs, return_indices)


def _means(
    name: str, dims: int, input: TensorType, output_size: int | tuple[int | None, ...]
) -> Output:
    shape, needs = _adapted(name, dims, input, output_size)
    # One mean of everything is computed in another way, which keeps nothing.
    is_one_mean = all(size == 1 for size in shape[-dims:])
    return Output(shape, needs=needs, saves=() if is_one_mean else ("input",))


def _adapted(
    name: str, dims: int, input: TensorType, output_size: int | tuple[int | None, ...]
) -> tuple[tuple[Size, ...], Needs]:
    """The output shape of an adaptive pool, and its conditions."""
    require_batched_or_not(name, input, dims)
    input.require_floating(name)
    wanted = (output_size,) * dims if isinstance(output_size, int) else output_size
    sizes = tuple(
        size if want is None else want
        for want, size in zip(wanted, input.shape[-dims:], strict=True)
    )
    return (*input.shape[:-dims], *sizes), require_not_empty(name, input, dims)
