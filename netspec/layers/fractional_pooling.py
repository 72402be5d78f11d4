"""Fractional max pools: maxima over windows at random positions."""

from typing import Annotated

from netspec.declaration import (
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
from netspec.layers.spatial import (
    by,
    require_batched_or_not,
    require_not_empty,
    scaled,
    with_indices,
)
from netspec.sizes import Size

Ratio2d = Annotated[float | tuple[float, float] | None, Range(0, 1)]
Ratio3d = Annotated[float | tuple[float, float, float] | None, Range(0, 1)]


@layer("torch.nn.FractionalMaxPool2d")
def fractional_max_pool2d(
    input: TensorType,
    *,
    kernel_size: Positive2d,
    output_size: Positive2d | None = None,
    output_ratio: Ratio2d = None,
    return_indices: bool = False,
) -> Output:
    """Maxima over windows at random positions. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Each size becomes ``output_size``, or ``floor(L * output_ratio)``; exactly one of them is given.
    With ``return_indices`` the outputs are ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool2d.html
    """
    return _fractional(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, return_indices
    )


@layer("torch.nn.FractionalMaxPool3d")
def fractional_max_pool3d(
    input: TensorType,
    *,
    kernel_size: Positive3d,
    output_size: Positive3d | None = None,
    output_ratio: Ratio3d = None,
    return_indices: bool = False,
) -> Output:
    """Maxima over windows at random positions. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    Each size becomes ``output_size``, or ``floor(L * output_ratio)``; exactly one of them is given.
    With ``return_indices`` the outputs are ``output`` and ``indices``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.FractionalMaxPool3d.html
    """
    return _fractional(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, return_indices
    )


def _fractional(
    name: str,
    dims: int,
    input: TensorType,
    kernel_size: int | tuple[int, ...],
    output_size: int | tuple[int, ...] | None,
    output_ratio: float | tuple[float, ...] | None,
    return_indices: bool,
) -> Output:
    require_batched_or_not(name, input, dims)
    input.require_floating(name)
    if (output_size is None) == (output_ratio is None):
        raise Refusal(
            f"{name} takes one of output_size and output_ratio", help="write `output_ratio: 0.5`"
        )
    needs = require_not_empty(name, input, dims)
    kernel = for_each_dim(kernel_size, dims)
    sizes = input.shape[-dims:]
    out: tuple[Size, ...]
    if output_size is not None:
        out = for_each_dim(output_size, dims)
    else:
        assert output_ratio is not None
        ratios = output_ratio if isinstance(output_ratio, tuple) else (output_ratio,) * dims
        if not all(0 < ratio < 1 for ratio in ratios):
            raise Refusal("an output_ratio is between 0 and 1", argument="output_ratio")
        out = tuple(
            scaled(size, ratio, "output_ratio") for size, ratio in zip(sizes, ratios, strict=True)
        )

    def message() -> str:
        return f"{by(out)} windows of {by(kernel)} do not fit into {by(sizes)}"

    def empty() -> str:
        return f"the output of {by(out)} is empty: the ratio is too small for {by(sizes)}"

    for size, windows, k in zip(sizes, out, kernel, strict=True):
        needs += at_least(windows, 1, empty, "output_ratio")
        # Of a volume torch wants one value more than the windows need.
        needs += at_least(size - windows - (k - 1), dims - 2, message, "kernel_size")
    return with_indices(input, dims, (*input.shape[:-dims], *out), needs, return_indices)
