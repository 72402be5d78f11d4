"""``shape: [N, 8, "$(H // 2)"]`` beside an item: what it gives, as the spec states it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from netspec.declaration.output import Shape
from netspec.declaration.tensor import TensorType
from netspec.diagnostics import listed, suggestion
from netspec.expansion.values import Environment, Skip
from netspec.planning.needs import values
from netspec.planning.planner import Known
from netspec.sizes import Expression, Size, equal, symbol, symbols
from netspec.spec import Item, Written
from netspec.templates import brief

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def named_sizes(types: Mapping[str, Known]) -> dict[str, Size]:
    """The sizes that the inputs name."""
    return {
        one.name: symbol(
            one.name,
            minimum=one.minimum if one.declared else None,
            maximum=one.maximum,
            multiple_of=one.multiple_of,
        )
        for type in types.values()
        if type is not None
        for size in type.shape
        for one in symbols(size)
    }


def stated_shape(
    scope: ScopeBuilder, item: Item, shape: tuple[Written, ...], names: Environment, at: Known
) -> Shape:
    """The shape with its names and expressions as sizes.

    Raises:
        Skip: one of them has no value, which is reported.
    """
    known = scope.walk.sizes
    sizes: list[Size] = []
    sizes_and_names = ChainMap(cast(dict[str, Any], names), cast(dict[str, Any], known))
    for place, written in enumerate(shape):
        span = item.origin.reserved("shape", place)
        if type(written) is str:
            if written not in known:
                scope.found.error(
                    "unknown-size",
                    f"no input has a size called {written}",
                    span,
                    help=[suggestion(written, known, f"there are {listed([*known]) or 'none'}")],
                )
                raise Skip
            sizes.append(known[written])
            continue
        size = scope.value(written, sizes_and_names, at, span)
        if not isinstance(size, Expression) and (type(size) is not int or size < 0):
            scope.found.error(
                "bad-value", f"a size is a whole number >= 0, not {brief(size)}", span
            )
            raise Skip
        sizes.append(size)
    return tuple(sizes)


def require_stated(scope: ScopeBuilder, item: Item, stated: Shape, given: Known) -> None:
    """Reports where what an item gives is not of the shape that is stated."""
    if given is None:
        return
    shown = TensorType(stated)
    if len(stated) != given.rank:
        scope.found.error(
            "shape-mismatch",
            f"`shape` states {shown}, but it gives {given}",
            item.origin.reserved("shape"),
        )
        return
    for place, (size, wanted) in enumerate(zip(given.shape, stated, strict=True)):
        decision = equal(size, wanted)
        if decision.answer:
            continue
        message = f"`shape` states {shown}, but it gives {given}"
        if decision.answer is None:
            message = f"it cannot be decided whether {size}, a size that it gives, is {wanted}"
        elif decision.counterexample is not None and decision.counterexample.values:
            found = decision.counterexample
            message += f" (for example {values(found)}: {found.right}, but {found.left})"
        scope.found.error(
            "shape-mismatch",
            message,
            item.origin.reserved("shape", place),
            help=[f"write {size}"] if isinstance(size, int) else (),
        )
        return
