"""The shape rules of composites: sums and concatenations of branches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from netspec.declaration import Refusal, TensorType
from netspec.declaration.output import Needs, multiple_of
from netspec.operators import Operator
from netspec.planning.needs import values
from netspec.planning.size_advice import multiple_that_equates, statement
from netspec.sizes import Equality, Size, equal, example_without, product
from netspec.source import MapNode
from netspec.spec import Origin

Stretched = tuple[int, ...]


class Merged(NamedTuple):
    """The type of a merge's output, and its multiply-adds."""

    type: TensorType
    macs: Size = 0


def merge(
    operator: Operator,
    inputs: Sequence[TensorType],
    dim: int = 0,
    origin: Origin | None = None,
    stretched: Stretched = (),
) -> Merged:
    """What an operator makes of several values.

    Args:
        dim: of a concat.
        origin: where it is written, for what is advised.
        stretched: the places of inputs whose sizes of 1 a concat stretches.

    Raises:
        Refusal: the values do not fit together; the message shows both shapes.
    """
    _require_dtype(operator, inputs[0])
    if operator.types == "same":
        return Merged(_residual(inputs, origin))
    if operator.types == "concat":
        return Merged(_concat(inputs, dim, stretched))
    if operator.types == "matmul":
        return _matmul(inputs)
    if operator.types == "broadcast":
        result = inputs[0]
        for number, other in enumerate(inputs[1:], 1):
            result = _broadcast(operator.word, result, other, number)
        return Merged(result)
    raise ValueError(f"`{operator.word}` merges nothing")


def _require_dtype(operator: Operator, type: TensorType) -> None:
    """
    Raises:
        Refusal: torch does not compute the operator with the dtype, or gives another one.
    """
    if operator.is_of_reals and not type.is_floating:
        raise Refusal(f"`{operator.word}` takes floating-point numbers, not {type.dtype}")
    if type.dtype in operator.refused:
        raise Refusal(f"`{operator.word}` takes no {type.dtype} in torch: it is of numbers")


def split(input: TensorType, dim: int, parts: int) -> tuple[tuple[TensorType, ...], Needs]:
    """One of ``parts`` equal parts of the input along ``dim``.

    Raises:
        Refusal: it cannot be cut into so many equal parts.
    """
    at = input.dim(dim)
    if not input.shape:
        raise Refusal("a number without a dim cannot be split")
    size = input.shape[at]
    message = f"dim {at} of {input} cannot be split into {parts} equal parts"
    needs = multiple_of(size, parts, message)
    part = TensorType((*input.shape[:at], size // parts, *input.shape[at + 1 :]), input.dtype)
    return (part,) * parts, needs


def _residual(inputs: Sequence[TensorType], origin: Origin | None) -> TensorType:
    body, shortcut = inputs
    what = f"the body of residual gives {body} and its shortcut {shortcut}"
    if body.rank != shortcut.rank or body.dtype != shortcut.dtype:
        raise Refusal(f"{what}: {_unlike(body, shortcut)}")
    _require_same(
        list(zip(body.shape, shortcut.shape, strict=True)),
        lambda position: f"{what}: dim {position} differs",
        _residual_help(origin, inputs),
    )
    return body


def _broadcast(word: str, first: TensorType, other: TensorType, number: int) -> TensorType:
    """Sizes from the last on; one of 1 is stretched.

    https://docs.pytorch.org/docs/stable/notes/broadcasting.html
    """
    if first is other:
        return first
    before = "branch 0" if number == 1 else "the branches before"

    def message(problem: str) -> str:  # symbolic sizes take a while to be written
        return f"{before} of {word} gives {first} and branch {number} gives {other}: {problem}"

    if first.dtype != other.dtype:
        unlike = _unlike(TensorType((), first.dtype), TensorType((), other.dtype))
        raise Refusal(message(unlike))
    rank = max(first.rank, other.rank)
    left = (1,) * (rank - first.rank) + first.shape
    right = (1,) * (rank - other.rank) + other.shape
    pairs = [
        (met, met) if _is_one(size) else (size, size) if _is_one(met) else (size, met)
        for size, met in zip(left, right, strict=True)
    ]
    _require_same(
        pairs, lambda position: message(f"dim {position - rank} differs"), is_broadcast=True
    )
    sizes = [size for size, _ in pairs]
    return TensorType(tuple(sizes), first.dtype)


def _is_one(size: Size) -> bool:
    return type(size) is int and size == 1


def _matmul(inputs: Sequence[TensorType]) -> Merged:
    first, other = inputs
    what = f"branch 0 of matmul gives {first} and branch 1 gives {other}"
    if first.rank < 2 or other.rank < 2:
        raise Refusal(f"{what}: matmul takes at least two sizes of each")
    if first.dtype != other.dtype:
        raise Refusal(f"{what}: {first.dtype} against {other.dtype}")
    _require_same(
        [(first.shape[-1], other.shape[-2])],
        lambda _: f"{what}: the last size of the first must be the second to last of the other",
        "`transpose: {dim0: -2, dim1: -1}` exchanges the last two sizes",
    )
    one, two = (TensorType(given.shape[:-2], given.dtype) for given in inputs)
    batch = _broadcast("matmul", one, two, 1)
    shape = (*batch.shape, first.shape[-2], other.shape[-1])
    return Merged(TensorType(shape, first.dtype), product(shape) * first.shape[-1])


def _unlike(first: TensorType, other: TensorType) -> str:
    if first.rank != other.rank:
        return f"{first.rank} sizes against {other.rank}"
    return f"{first.dtype} against {other.dtype}"


def _residual_help(origin: Origin | None, inputs: Sequence[TensorType]) -> str:
    body, shortcut = inputs
    arguments = None if origin is None else origin.arguments
    has_shortcut = isinstance(arguments, MapNode) and any(
        key.value == "shortcut" for key, _ in arguments.entries
    )
    if body.rank > 1 and body.shape[1] != shortcut.shape[1]:
        if has_shortcut:
            return "let the body and the shortcut end with the same channels"
        return (
            "let the body end with as many channels as it gets, or give the shortcut a layer: "
            "`residual: {body: [...], shortcut: [conv2d: {...}]}`"
        )
    if has_shortcut:
        return "choose kernels, strides and paddings with which both give the same sizes"
    return "pad the layers of the body so that they keep the sizes, or give the shortcut layers"


def _multiples_help(pairs: Sequence[tuple[Size, Size]]) -> str:
    """The multiples that make all pairs of sizes equal, where stating some does."""
    stated = [multiple_that_equates(size, other) for size, other in pairs]
    if None in stated:
        return ""
    ways = dict.fromkeys(statement(known) for known in stated if known is not None)
    return f"state in `input`: `{', '.join(ways)}`"


def _concat(inputs: Sequence[TensorType], dim: int, stretched: Stretched) -> TensorType:
    whole = [number for number in range(len(inputs)) if number not in stretched]
    if stretched and whole:
        like = inputs[whole[0]]
        at = like.dim(dim)
        inputs = [
            _stretched(given, like, at) if number in stretched else given
            for number, given in enumerate(inputs)
        ]
    first = inputs[0]
    at = first.dim(dim)
    if not first.shape:
        raise Refusal("numbers without a dim cannot be concatenated")
    total: Size = first.shape[at]
    for number, other in enumerate(inputs[1:], 1):
        what = f"branch 0 of concat gives {first} and branch {number} gives {other}"
        if other.rank != first.rank or other.dtype != first.dtype:
            raise Refusal(f"{what}: {_unlike(first, other)}")
        pairs = list(zip(first.shape, other.shape, strict=True))
        pairs[at] = (total, total)
        _require_same(pairs, partial(_not_joined, what, at))
        total = total + other.shape[at]
    return TensorType((*first.shape[:at], total, *first.shape[at + 1 :]), first.dtype)


def _not_joined(what: str, at: int, position: int) -> str:
    return f"{what}: only dim {at} may differ, but dim {position} does"


def _stretched(given: TensorType, like: TensorType, at: int) -> TensorType:
    """A parameter's sizes of 1 as large as the other's, but for the dim that is joined."""
    if given.rank != like.rank:
        return given
    pairs = enumerate(zip(given.shape, like.shape, strict=True))
    sizes = [met if _is_one(size) and dim != at else size for dim, (size, met) in pairs]
    return TensorType(tuple(sizes), given.dtype)


def _require_same(
    pairs: Sequence[tuple[Size, Size]],
    message: Callable[[int], str],
    help: str = "",
    *,
    is_broadcast: bool = False,
) -> None:
    """Raise a Refusal for the first pair of sizes that can differ; ``message`` takes its place.

    The advice is for all pairs that differ, so that it is enough.
    """
    unequal: list[tuple[int, Equality]] = []
    for place, (size, other) in enumerate(pairs):
        if size is other or (type(size) is int and size == other):
            continue
        decision = equal(size, other)
        if not decision.answer:
            unequal.append((place, decision))
    if not unequal:
        return
    place, decision = unequal[0]
    found = decision.counterexample
    if found is None:
        size, other = pairs[place]
        raise Refusal(
            f"{message(place)}, or it cannot be decided: {size} against {other}", help=help
        )
    example = f" ({values(found)} gives {found.left} and {found.right})" if found.values else ""
    if is_broadcast and 1 in (found.left, found.right):
        other_one = example_without(*pairs[place], 1)
        if other_one is None:
            example = f"{example[:-1]}, and a size of 1 is stretched only where it always is 1)"
        else:
            example = f" ({values(other_one)} gives {other_one.left} and {other_one.right})"
    ways = [help, _multiples_help([pairs[place] for place, _ in unequal])]
    raise Refusal(message(place) + example, help="\nor ".join(way for way in ways if way))
