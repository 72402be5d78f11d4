"""Unpooling: the inverse of pools of largest values."""

from netspec.declaration import (
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive1d,
    Positive2d,
    Positive3d,
    TensorType,
    for_each_dim,
    layer,
    same_shape,
)
from netspec.declaration.refusal import Refusal
from netspec.layers.spatial import grown, require_batched_or_not, require_not_empty


@layer("torch.nn.MaxUnpool1d")
def max_unpool1d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive1d,
    stride: Positive1d | None = None,
    padding: NotNegative1d = 0,
) -> Output:
    """Values where a max_pool1d found them, else 0: ``(N, C, L)`` or ``(C, L)``.

    The second input are the pool's ``indices``. The length becomes
    ``(L - 1)*stride - 2*padding + kernel_size``; ``stride`` is ``kernel_size`` where it is left
    out. (``output_size``, which ``forward`` may be given in torch, cannot be written.)
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool1d.html
    """
    return _unpooled("max_unpool1d", 1, input, indices, kernel_size, stride, padding)


@layer("torch.nn.MaxUnpool2d")
def max_unpool2d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive2d,
    stride: Positive2d | None = None,
    padding: NotNegative2d = 0,
) -> Output:
    """Values where a max_pool2d found them, else 0: ``(N, C, H, W)`` or ``(C, H, W)``.

    The second input are the pool's ``indices``. Each size becomes
    ``(L - 1)*stride - 2*padding + kernel_size``; ``stride`` is ``kernel_size`` where it is left
    out. (``output_size``, which ``forward`` may be given in torch, cannot be written.)
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool2d.html
    """
    return _unpooled("max_unpool2d", 2, input, indices, kernel_size, stride, padding)


@layer("torch.nn.MaxUnpool3d")
def max_unpool3d(
    input: TensorType,
    indices: TensorType,
    *,
    kernel_size: Positive3d,
    stride: Positive3d | None = None,
    padding: NotNegative3d = 0,
) -> Output:
    """Values where a max_pool3d found them, else 0: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    The second input are the pool's ``indices``. Each size becomes
    ``(L - 1)*stride - 2*padding + kernel_size``; ``stride`` is ``kernel_size`` where it is left
    out. (``output_size``, which ``forward`` may be given in torch, cannot be written.)
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxUnpool3d.html
    """
    return _unpooled("max_unpool3d", 3, input, indices, kernel_size, stride, padding)


def _unpooled(
    name: str,
    dims: int,
    input: TensorType,
    indices: TensorType,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...] | None,
    padding: int | tuple[int, ...],
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
    return Output((*input.shape[:-dims], *out), needs=needs, saves=("indices",))
