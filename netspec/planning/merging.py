"""The shape rules of composites: sums and concatenations of branches."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.declaration import Refusal, TensorType
from netspec.expansion import Merge
from netspec.planning.needs import values
from netspec.sizes import Size, equal, substitute, symbol, symbols
from netspec.source import MapNode


def merge(step: Merge, inputs: Sequence[TensorType]) -> TensorType:
    """The type of a merge's output.

    Raises:
        Refusal: the branches do not fit together; the message shows both shapes.
    """
    if step.kind == "add":
        return _add(step, inputs)
    assert step.dim is not None
    return _concat(inputs, step.dim)


def _add(step: Merge, inputs: Sequence[TensorType]) -> TensorType:
    body, shortcut = inputs
    what = f"the body of residual gives {body} and its shortcut {shortcut}"
    if body.rank != shortcut.rank or body.dtype != shortcut.dtype:
        raise Refusal(f"{what}: {_unlike(body, shortcut)}")
    for position, (size, other) in enumerate(zip(body.shape, shortcut.shape, strict=True)):
        _require_same(size, other, f"{what}: dim {position} differs", _residual_help(step, inputs))
    return body


def _unlike(first: TensorType, other: TensorType) -> str:
    if first.rank != other.rank:
        return f"{first.rank} sizes against {other.rank}"
    return f"{first.dtype} against {other.dtype}"


def _residual_help(step: Merge, inputs: Sequence[TensorType]) -> str:
    body, shortcut = inputs
    arguments = step.origin.arguments
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


def _multiple_help(size: Size, other: Size) -> str:
    """The multiple that makes the sizes equal, where stating one does."""
    names = {known.name for known in (*symbols(size), *symbols(other))}
    for multiple in (2, 4, 8, 16, 32, 64):
        for name in sorted(names):
            stated = {name: symbol(name, multiple_of=multiple)}
            if equal(substitute(size, stated), substitute(other, stated)).answer:
                return f"state in `input`: `{name}: {{multiple_of: {multiple}}}`"
    return ""


def _concat(inputs: Sequence[TensorType], dim: int) -> TensorType:
    first = inputs[0]
    at = first.dim(dim)
    if not first.shape:
        raise Refusal("numbers without a dim cannot be concatenated")
    total: Size = first.shape[at]
    for number, other in enumerate(inputs[1:], 1):
        what = f"branch 0 of concat gives {first} and branch {number} gives {other}"
        if other.rank != first.rank or other.dtype != first.dtype:
            raise Refusal(f"{what}: {_unlike(first, other)}")
        for position, (size, met) in enumerate(zip(first.shape, other.shape, strict=True)):
            if position != at:
                _require_same(
                    size,
                    met,
                    f"{what}: only dim {at} may differ, but dim {position} does",
                    "",
                )
        total = total + other.shape[at]
    return TensorType((*first.shape[:at], total, *first.shape[at + 1 :]), first.dtype)


def _require_same(size: Size, other: Size, message: str, help: str) -> None:
    if size is other or (type(size) is int and size == other):
        return
    decision = equal(size, other)
    if decision.answer:
        return
    found = decision.counterexample
    if found is None:
        raise Refusal(f"{message}, or it cannot be decided: {size} against {other}", help=help)
    example = f" ({values(found)} gives {found.left} and {found.right})" if found.values else ""
    ways = [way for way in (help, _multiple_help(size, other)) if way]
    raise Refusal(message + example, help="\nor ".join(ways))
