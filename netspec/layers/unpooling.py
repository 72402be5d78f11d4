"""Unpooling: partial inverses of max pools."""

from typing import Annotated

from netspec.declaration import (
    Inferred,
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive1d,
    Positive2d,
    Positive3d,
    TensorType,
    at_least,
    for_each_dim,
    layer,
    same_shape,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.spatial import by, grown, require_batched_or_not, require_not_empty
from netspec.sizes import Size


def _pooled(indices: TensorType, written: object = None) -> Size | tuple[Size, ...] | None:
    """The sizes of what the indices are places in, where they are known numbers."""
    sizes = indices.indexed
    if sizes is None or any(not isinstance(size, int) for size in sizes):
        return None
    return sizes[0] if len(sizes) == 1 else sizes


POOLED = Inferred("the size of the pool's input", _pooled, place=1)


@layer("netspec.modules.unpooling.MaxUnpool1d")
def max_unpool1d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive1d,
    stride: Positive1d | None = None,
    padding: NotNegative1d = 0,
    output_size: Annotated[Positive1d | None, POOLED] = None,
) -> Output:
    """Partial inverse of max_pool1d. Shape: ``(N, C, L)`` or ``(C, L)``.

    The second input are the pool's ``indices``; all other values are 0. The output has the
    size of the pool's input; for indices of another layer, ``output_size`` or
    ``(L - 1)*stride - 2*padding + kernel_size``. ``stride`` defaults to ``kernel_size``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html
    """
    sizes = (kernel_size, stride, padding, output_size)
    return _unpooled("max_unpool1d", 1, input, indices, *sizes)


@layer("netspec.modules.unpooling.MaxUnpool2d")
def max_unpool2d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    padding: NotNegative2d = 0,
    output_size: Annotated[Positive2d | None, POOLED] = None,
) -> Output:
    """Partial inverse of max_pool2d. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    The second input are the pool's ``indices``; all other values are 0. The output has the
    size of the pool's input; for indices of another layer, ``output_size`` or
    ``(L - 1)*stride - 2*padding + kernel_size``. ``stride`` defaults to ``kernel_size``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
    """
    sizes = (kernel_size, stride, padding, output_size)
    return _unpooled("max_unpool2d", 2, input, indices, *sizes)


@layer("netspec.modules.unpooling.MaxUnpool3d")
def max_unpool3d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    padding: NotNegative3d = 0,
    output_size: Annotated[Positive3d | None, POOLED] = None,
) -> Output:
    """Partial inverse of max_pool3d. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    The second input are the pool's ``indices``; all other values are 0. The output has the
    size of the pool's input; for indices of another layer, ``output_size`` or
    ``(L - 1)*stride - 2*padding + kernel_size``. ``stride`` defaults to ``kernel_size``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html
    """
    sizes = (kernel_size, stride, padding, output_size)
    return _unpooled("max_unpool3d", 3, input, indices, *sizes)


def _unpooled(
    name: str,
    dims: int,
    input: TensorType,
    indices: TensorType,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    padding: int | tuple[int, ...],
    output_size: int | tuple[int, ...] | None,
) -> Output:
    require_batched_or_not(name, input, dims)
    input.require_floating(name)
    if indices.dtype != "int64":
        raise Refusal(
            f"the second input of {name} are a pool's indices in int64, but it is {indices}",
            help=f"write `from: [x, pool.indices]`, where pool is a max_pool{dims}d with "
            "`return_indices: true`",
        )

    def differ() -> str:
        return f"{name} needs an index for each value, but gets {input} and the indices {indices}"

    needs = require_not_empty(name, input, dims)
    needs += same_shape(input.shape, indices.shape, differ)
    kernel = for_each_dim(kernel_size, dims)
    strides = kernel if stride is None else for_each_dim(stride, dims)
    paddings = for_each_dim(padding, dims)
    out, of_sizes = grown(input.shape[-dims:], kernel, strides, paddings, (0,) * dims)
    needs += of_sizes
    indexed = indices.indexed
    warnings: tuple[str, ...] = ()
    if indexed is not None and len(indexed) != dims:
        raise Refusal(f"the indices of {name} are places in {by(indexed)}, of {len(indexed)} dims")
    if output_size is not None:
        chosen = for_each_dim(output_size, dims)
        needs += _within_a_stride(name, chosen, out, strides)
        out = chosen
    elif indexed is None:
        warnings = (
            f"{name} cannot know what its indices are places in, and takes {by(out)}: values go "
            "elsewhere if that is not so; write `output_size`",
        )
    if indexed is not None:

        def elsewhere() -> str:
            return (
                f"{name} gives {by(out)}, but its indices are places in {by(indexed)}: the values "
                "would be put elsewhere"
            )

        needs += same_shape(out, indexed, elsewhere)
    return Output((*input.shape[:-dims], *out), needs=needs, saves=("indices",), warnings=warnings)


def _within_a_stride(
    name: str, chosen: tuple[int, ...], usual: tuple[Size, ...], strides: tuple[int, ...]
) -> Needs:
    """torch takes sizes that differ by less than a stride from the usual ones."""

    def message() -> str:
        return (
            f"{name} cannot give {by(chosen)}: with its kernel and stride it gives {by(usual)}, or "
            "sizes that differ from it by less than the stride"
        )

    needs: Needs = ()
    for size, known, stride in zip(chosen, usual, strides, strict=True):
        needs += at_least(size - known + stride, 1, message, "output_size")
        needs += at_least(known + stride - size, 1, message, "output_size")
    return needs
