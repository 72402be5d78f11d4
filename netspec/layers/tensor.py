"""Tensor operations: operations without a class in torch.nn."""

from dataclasses import replace
from typing import Annotated, Literal

from netspec.declaration import (
    Output,
    Positive,
    Range,
    TensorType,
    at_least,
    layer,
    multiple_of,
    same,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.padding import padded
from netspec.layers.reshape import divided
from netspec.layers.upsampling import Factors, Mode, Sizes, require_one_way, resized
from netspec.sizes import Size, product


def _dims(input: TensorType, dims: tuple[int, ...], argument: str) -> tuple[int, ...]:
    found = tuple(input.dim(dim, argument) for dim in dims)
    if len(set(found)) < len(found):
        raise Refusal(f"{argument} names a dim twice: {list(dims)}", argument=argument)
    return found


@layer("netspec.modules.tensor.Mean", obvious="dim")
def mean(input: TensorType, *, dim: int | tuple[int, ...], keepdim: bool = False) -> Output:
    """Mean over one or several dimensions, which are removed or, with ``keepdim``, kept as 1.

    ``(N, C, H, W)`` -> ``(N, C)`` for ``[2, 3]``.
    https://docs.pytorch.org/docs/stable/generated/torch.mean.html
    """
    if not input.is_floating:
        raise Refusal(f"a mean is of floating-point numbers, but the input holds {input.dtype}")
    dims = (dim,) if isinstance(dim, int) else dim
    if not dims:
        raise Refusal("dim names no dim", argument="dim")
    over = _dims(input, dims, "dim")
    if keepdim:
        return Output(tuple(1 if at in over else s for at, s in enumerate(input.shape)))
    return Output(tuple(size for at, size in enumerate(input.shape) if at not in over))


@layer("netspec.modules.tensor.Permute", obvious="dims")
def permute(input: TensorType, *, dims: tuple[int, ...]) -> Output:
    """Permutes dimensions: ``(N, C, H, W)`` -> ``(N, H, W, C)`` for ``[0, 2, 3, 1]``.

    https://docs.pytorch.org/docs/stable/generated/torch.permute.html
    """
    if len(dims) != input.rank:
        raise Refusal(
            f"dims has {len(dims)} dims, but the input {input} has {input.rank}", argument="dims"
        )
    return Output(tuple(input.shape[at] for at in _dims(input, dims, "dims")), is_view=True)


@layer("netspec.modules.tensor.Transpose")
def transpose(input: TensorType, *, dim0: int, dim1: int) -> Output:
    """Swaps two dimensions: ``(N, L, E)`` -> ``(N, E, L)`` for 1 and 2.

    https://docs.pytorch.org/docs/stable/generated/torch.transpose.html
    """
    first, other = input.dim(dim0, "dim0"), input.dim(dim1, "dim1")
    shape = list(input.shape)
    if shape:
        shape[first], shape[other] = shape[other], shape[first]
    return Output(tuple(shape), is_view=True)


@layer("netspec.modules.tensor.Reshape", obvious="shape")
def reshape(input: TensorType, *, shape: tuple[int, ...]) -> Output:
    """Reshapes all but the batch; a single -1 is inferred.

    ``(N, 12)`` -> ``(N, 3, 4)`` for ``[3, -1]``.
    https://docs.pytorch.org/docs/stable/generated/torch.reshape.html
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no batch to keep")
    if any(size < -1 or size == 0 for size in shape) or shape.count(-1) > 1:
        raise Refusal("shape takes sizes and at most one -1", argument="shape")
    whole = product(input.shape[1:])
    known = product(size for size in shape if size != -1)
    assert isinstance(known, int)
    shown = ", ".join(map(str, shape))
    if -1 not in shape:

        def differ() -> str:
            return f"[{shown}] has {known} values, but a sample of {input} has {whole}"

        needs = same(whole, known, differ, "shape")
        return Output((input.shape[0], *shape), needs=needs, is_view=True)
    needs = multiple_of(
        whole, known, f"a sample of {input} has {whole} values, no multiple of {known}", "shape"
    )
    missing = divided(whole, known)
    sizes = tuple(missing if size == -1 else size for size in shape)
    return Output((input.shape[0], *sizes), needs=needs, is_view=True)


@layer("netspec.modules.tensor.Select")
def select(input: TensorType, *, dim: int, index: int) -> Output:
    """Selects one entry along a dimension: ``(N, L, E)`` -> ``(N, E)`` for dim 1.

    https://docs.pytorch.org/docs/stable/generated/torch.select.html
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no dim to select from")
    at = input.dim(dim)
    size = input.shape[at]
    least = index + 1 if index >= 0 else -index
    message = f"dim {at} of {input} has no entry {index}"
    needs = at_least(size, least, message, "index")
    return Output((*input.shape[:at], *input.shape[at + 1 :]), needs=needs, is_view=True)


@layer("netspec.modules.tensor.Slice")
def slice(
    input: TensorType,
    *,
    dim: int,
    start: int = 0,
    stop: int | None = None,
    step: Annotated[int, Range(1, 2**31 - 1)] = 1,
) -> Output:
    """The entries from ``start`` to before ``stop`` along ``dim``.

    Negative numbers count from the end.
    ``(N, L, E)`` -> ``(N, L - 1, E)`` for ``{dim: 1, start: 1}``.
    https://docs.pytorch.org/docs/stable/generated/torch.narrow.html
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no dim to slice")
    at = input.dim(dim)
    size = input.shape[at]
    first: Size = start if start >= 0 else size + start
    last: Size = size if stop is None else stop if stop >= 0 else size + stop
    written = f"{start}:{'' if stop is None else stop}"
    needs: Needs = at_least(
        size,
        max(abs(start), abs(stop or 0)),
        lambda: f"dim {at} of {input} is too short for the slice {written}",
        "start" if stop is None or abs(start) > abs(stop) else "stop",
    )
    count = last - first
    needs += at_least(count, 0, lambda: f"the slice {written} ends before it begins", "stop")
    if step > 1:
        count = (count + (step - 1)) // step
    return Output((*input.shape[:at], count, *input.shape[at + 1 :]), needs=needs, is_view=True)


@layer("netspec.modules.tensor.Pad", obvious="pad")
def pad(
    input: TensorType,
    *,
    pad: tuple[int, ...],
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant",
    value: float = 0.0,
) -> Output:
    """Pads both ends of the last dimensions; negative numbers crop.

    ``[1, 2]`` adds one entry before and two after those of the last dimension of ``(*, L)``; the
    next two numbers pad the dimension before it.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
    """
    if len(pad) % 2 or len(pad) > 2 * input.rank:
        raise Refusal(
            f"pad takes two numbers for each dim of {input}, from the last on", argument="pad"
        )
    dims = len(pad) // 2
    if mode != "constant" and not (1 <= dims <= 3 and input.rank in (dims + 1, dims + 2)):
        raise Refusal(f"mode {mode} pads all dims of {input} after its channels", argument="pad")
    return padded(input, pad, mode, value, "pad")


@layer("netspec.modules.tensor.Chunk")
def chunk(input: TensorType, *, chunks: Positive, dim: int = 0) -> Output:
    """Equal parts along a dimension: ``from: name.0``, ``from: name.1``.

    https://docs.pytorch.org/docs/stable/generated/torch.chunk.html
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no dim to cut")
    if chunks > 1000:
        raise Refusal(f"{chunks} chunks are too many", argument="chunks")
    at = input.dim(dim)
    size = input.shape[at]
    message = f"dim {at} of {input} cannot be cut into {chunks} equal parts"
    needs = multiple_of(size, chunks, message, "chunks") + at_least(size, chunks, message, "chunks")
    shape = (*input.shape[:at], divided(size, chunks), *input.shape[at + 1 :])
    others = {str(number): TensorType(shape, input.dtype) for number in range(1, chunks)}
    return Output(shape, needs=needs, name="0", others=others, is_view=True)


@layer("netspec.modules.tensor.Squeeze")
def squeeze(input: TensorType, *, dim: int) -> Output:
    """Removes a dimension of size 1: ``(N, 1, L)`` -> ``(N, L)`` for dim 1.

    https://docs.pytorch.org/docs/stable/generated/torch.squeeze.html
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no dim")
    at = input.dim(dim)
    size = input.shape[at]
    needs = same(size, 1, lambda: f"dim {at} of {input} is {size}, not 1", "dim")
    return Output((*input.shape[:at], *input.shape[at + 1 :]), needs=needs, is_view=True)


@layer("netspec.modules.tensor.Unsqueeze")
def unsqueeze(input: TensorType, *, dim: int) -> Output:
    """Inserts a dimension of size 1: ``(N, L)`` -> ``(N, 1, L)`` for dim 1.

    https://docs.pytorch.org/docs/stable/generated/torch.unsqueeze.html
    """
    rank = input.rank + 1
    if not -rank <= dim < rank:
        raise Refusal(f"dim is from {-rank} to {rank - 1} for the input {input}", argument="dim")
    at = dim % rank
    return Output((*input.shape[:at], 1, *input.shape[at:]), is_view=True)


@layer("netspec.modules.tensor.Interpolate")
def interpolate(
    input: TensorType,
    like: TensorType | None = None,
    *,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: Mode = "nearest",
    align_corners: bool | None = None,
) -> Output:
    """Resizes to ``size``, by ``scale_factor``, or to the size of the second input.

    ``(N, C, H, W)`` -> ``[N, C, size[0], size[1]]``, or ``floor(H * factor)`` with a factor.
    Sequences ``(N, C, L)`` and volumes ``(N, C, D, H, W)`` are resized in the same way.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html
    """
    require_one_way("interpolate", size, scale_factor, like)
    if like is None:
        return resized("interpolate", input, size, scale_factor, mode, align_corners)
    if like.rank != input.rank:
        raise Refusal(f"the second input is {like}, but the first is {input}")
    output = resized("interpolate", input, like.shape[2:], None, mode, align_corners)
    needs = output.needs
    for wanted in like.shape[2:]:
        needs += at_least(wanted, 1, lambda: f"there is nothing of the size of {like}")
    return replace(output, needs=needs)


@layer("netspec.modules.tensor.Exp")
def exp(input: TensorType) -> Output:
    """Exponential function, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.exp.html
    """
    is_fraction = input.is_floating or input.dtype.startswith("complex")
    return Output(input.shape, dtype=input.dtype if is_fraction else "float32", saves=("output",))


@layer("netspec.modules.tensor.Abs")
def abs_(input: TensorType) -> Output:
    """Absolute value, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.abs.html
    """
    if input.dtype == "bool":
        raise Refusal("abs takes numbers, but its input holds bool")
    real = {"complex64": "float32", "complex128": "float64"}.get(input.dtype)
    return Output(input.shape, dtype=real, saves=("input",))


@layer("netspec.modules.sampling.Reparameterize")
def reparameterize(mu: TensorType, logvar: TensorType) -> Output:
    """Sample ``mu + exp(logvar / 2) * noise`` of a normal distribution; in evaluation ``mu``.

    Two inputs of one shape ``(*)`` -> ``(*)``.
    Kingma and Welling (2013), https://arxiv.org/abs/1312.6114
    """
    mu.require_floating("reparameterize")

    def differ() -> str:
        return f"mu is {mu}, but logvar is {logvar}"

    if mu.rank != logvar.rank or mu.dtype != logvar.dtype:
        raise Refusal(differ())
    needs: Needs = ()
    for size, other in zip(mu.shape, logvar.shape, strict=True):
        needs += same(size, other, differ)
    # The standard deviation and the noise that it is multiplied with.
    return Output(mu.shape, needs=needs, saved_bytes=2 * mu.nbytes)
