"""The shape rules of composites: sums and concatenations of branches."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.declaration import Refusal, TensorType
from netspec.expansion import Merge
from netspec.planning.needs import values
from netspec.sizes import Size, equal


def merge(step: Merge, inputs: Sequence[TensorType]) -> TensorType:
    """The type of a merge's output.

    Raises:
        Refusal: the branches do not fit together; the message shows both shapes.
    """
    if step.kind == "add":
        return _add(inputs)
    assert step.dim is not None
    return _concat(inputs, step.dim)


def _add(inputs: Sequence[TensorType]) -> TensorType:
    body, shortcut = inputs
    what = f"the body of residual gives {body} and its shortcut {shortcut}"
    if body.rank != shortcut.rank or body.dtype != shortcut.dtype:
        raise Refusal(f"{what}: they cannot be added")
    for position, (size, other) in enumerate(zip(body.shape, shortcut.shape, strict=True)):
        _require_same(size, other, f"{what}: dim {position} differs", _residual_help(inputs))
    return body


def _residual_help(inputs: Sequence[TensorType]) -> str:
    body, shortcut = inputs
    if body.rank > 1 and body.shape[1] != shortcut.shape[1]:
        return (
            "let the body end with as many channels as it gets, or give the shortcut a layer: "
            "`residual: {body: [...], shortcut: [conv2d: {...}]}`"
        )
    return "pad the layers of the body so that they keep the sizes, or give the shortcut layers"


def _concat(inputs: Sequence[TensorType], dim: int) -> TensorType:
    first = inputs[0]
    at = first.dim(dim)
    if not first.shape:
        raise Refusal("numbers without a dim cannot be concatenated")
    total: Size = first.shape[at]
    for number, other in enumerate(inputs[1:], 1):
        what = f"branch 0 of concat gives {first} and branch {number} gives {other}"
        if other.rank != first.rank or other.dtype != first.dtype:
            raise Refusal(f"{what}: they cannot be joined")
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
    raise Refusal(message + example, help=help)
