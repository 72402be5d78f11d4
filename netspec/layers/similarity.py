"""Similarity: distances and similarities of two inputs."""

from math import inf
from typing import Annotated

from netspec.declaration import Output, Range, TensorType, at_least, layer, same
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, equal, product

#: Dtypes from the one that gives way to the one that stays.
_REALS = ("bool", "uint8", "int8", "int16", "int32", "int64")


@layer("torch.nn.CosineSimilarity", obvious="dim")
def cosine_similarity(
    x1: TensorType, x2: TensorType, *, dim: int = 1, eps: Annotated[float, Range(0)] = 1e-8
) -> Output:
    """Cosine similarity along ``dim``, which is removed.

    Two inputs ``(*, D)``, broadcast to one shape.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
    """
    shape, needs = _stretched("cosine_similarity", x1, x2)
    dtype = _promoted(x1, x2)
    both = TensorType(shape, dtype)
    if not both.is_floating:
        raise Refusal(
            f"cosine_similarity takes floating-point numbers, but its inputs hold {x1.dtype}"
            f" and {x2.dtype}"
        )
    at = both.dim(dim)
    kept: Size = 0
    for given, other in ((x1, x2), (x2, x1)):
        if given.is_floating:  # else it has no gradient
            own = other.itemsize if other.is_floating else both.itemsize
            norms = product((*shape[:at], *shape[at + 1 :]))
            kept = kept + norms * (2 * given.itemsize) + product(shape) * own
    return Output(
        (*shape[:at], *shape[at + 1 :]),
        dtype=dtype,
        needs=needs,
        saves=tuple(name for name, x in (("x1", x1), ("x2", x2)) if x.is_floating),
        saved_bytes=kept,
    )


@layer("torch.nn.PairwiseDistance", obvious="p")
def pairwise_distance(
    x1: TensorType, x2: TensorType, *, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Output:
    """p-norm of the difference along the last dimension, which is removed or kept as 1.

    Two inputs ``(*, D)``, broadcast to one shape.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html
    """
    shape, needs = _stretched("pairwise_distance", x1, x2)
    if "bool" in (x1.dtype, x2.dtype):
        raise Refusal(f"torch does not subtract bools: the inputs are {x1} and {x2}")
    dtype = _promoted(x1, x2)
    if dtype in _REALS:
        dtype = "float32"
    difference = TensorType(shape, dtype)
    if shape and (p < 0 or p == inf):
        message = f"no value is the largest or smallest of none: the inputs are {x1} and {x2}"
        needs += at_least(shape[-1], 1, message)
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    return Output(
        (*shape[:-1], 1) if keepdim and shape else shape[:-1],
        dtype=real,
        needs=needs,
        saves=("output",),
        saved_bytes=difference.nbytes,
    )


def _stretched(name: str, x1: TensorType, x2: TensorType) -> tuple[tuple[Size, ...], Needs]:
    """Sizes from the last on; one of 1 is stretched."""
    rank = max(x1.rank, x2.rank)
    one = (1,) * (rank - x1.rank) + x1.shape
    other = (1,) * (rank - x2.rank) + x2.shape
    needs: Needs = ()
    shape: list[Size] = []
    for place, (size, met) in enumerate(zip(one, other, strict=True)):
        if equal(size, 1).answer or equal(met, 1).answer:
            shape.append(met if equal(size, 1).answer else size)
            continue
        found = equal(size, met).counterexample
        message = f"the inputs {x1} and {x2} of {name} differ in dim {place - rank}"
        if found is not None and 1 in (found.left, found.right):
            raise Refusal(
                f"{message}: it cannot be decided whether {size} and {met} fit, as a size of 1 is"
                " stretched"
            )
        needs += same(size, met, message)
        shape.append(size)
    return tuple(shape), needs


def _promoted(x1: TensorType, x2: TensorType) -> str:
    """The dtype that holds both; a scalar gives way to a tensor of its kind.

    https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
    """
    one, other = sorted((x1, x2), key=_kind)
    if _kind(one) < _kind(other):
        return _wider(one, other) if one.rank or not other.rank else other.dtype
    if bool(one.rank) is not bool(other.rank):
        return one.dtype if one.rank else other.dtype
    return _wider(one, other)


def _kind(given: TensorType) -> int:
    """Bools, whole numbers, fractions, complex numbers."""
    if given.dtype == "bool":
        return 0
    if given.dtype in _REALS:
        return 1
    return 2 if given.is_floating else 3


def _wider(one: TensorType, other: TensorType) -> str:
    """The dtype of both, of which ``other`` is of the higher kind or of the same."""
    if _kind(one) < 2 and _kind(other) > 1:
        return other.dtype
    if _kind(other) < 2:
        pair = {one.dtype, other.dtype}
        if "uint8" in pair and "int8" in pair:
            return "int16"
        return max(pair, key=_REALS.index)
    if one.dtype == other.dtype:
        return one.dtype
    if _kind(other) == 3:
        return "complex128" if {"float64", "complex128"} & {one.dtype, other.dtype} else "complex64"
    return "float64" if "float64" in (one.dtype, other.dtype) else "float32"
