"""Raw parameters of a container, such as a class token."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from netspec.declaration import Refusal, TensorType
from netspec.expansion.initialisers import planned_initialiser
from netspec.expansion.names import child_name
from netspec.expansion.values import Environment, Skip
from netspec.graph import Initialiser as PlannedInitialiser
from netspec.graph import OwnParameter
from netspec.planning.planner import Known
from netspec.spec import Initialiser, Item, RawParameter
from netspec.templates import brief

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def parameter(
    scope: ScopeBuilder,
    item: Item,
    part: RawParameter,
    at: Known,
    names: Environment,
    device: str | None,
) -> int:
    """Adds a parameter to the scope; gives the number of its value."""
    origin = item.origin
    if item.name is None:
        scope.found.error(
            "missing-name",
            "a parameter needs a name, which is its key",
            origin.span(),
            help=["write `{name: class_token, parameter: [1, 1, 768]}`"],
        )
        return scope.unknown(item, names)
    name = child_name(scope, item, names, at)
    try:
        shape = _shape(scope, item, part, at, names)
        init = _init(scope, item, part.init, shape, names)
        type = scope.walk.planner.same(TensorType(shape))
    except Skip:
        return scope.unknown(item, names)
    except Refusal as refusal:
        scope.found.error("too-large-tensor", refusal.message, origin.span())
        return scope.unknown(item, names)
    if name is None:
        return scope.unknown(item, names)
    own = OwnParameter(type, init)
    number = scope.graph.parameter(name, own, origin, device=device, freeze=scope.freeze)
    scope.sources.add(number)
    scope.name_numbers(name, (number,))
    return number


def _shape(
    scope: ScopeBuilder, item: Item, part: RawParameter, at: Known, names: Environment
) -> tuple[int, ...]:
    """
    Raises:
        Skip: a size is no whole number, which is reported.
    """
    span = item.origin.argument(None)
    sizes = [scope.plain(scope.value(size, names, at, span), span) for size in part.shape]
    for size in sizes:
        if type(size) is not int or size < 0:
            message = f"a size is a whole number, not {brief(size)}"
            scope.found.error("bad-parameter", message, span)
            raise Skip
    return cast(tuple[int, ...], tuple(sizes))


def _init(
    scope: ScopeBuilder,
    item: Item,
    init: Initialiser,
    shape: tuple[int, ...],
    names: Environment,
) -> PlannedInitialiser:
    """
    Raises:
        Skip: there is no such initialiser, or an argument has no value, which is reported.
    """
    planned = planned_initialiser(scope.walk, init, names, shape, item.origin.argument(None))
    if planned is None:
        raise Skip
    return planned
