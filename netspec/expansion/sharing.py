"""``use``: an earlier child is called again, with the weights that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netspec.expansion.children import UNKNOWN, Request, make_child
from netspec.expansion.references import report_unknown
from netspec.expansion.values import Environment, Skip
from netspec.planning.plan import PlannedChild, PlannedLayer, PlannedScope
from netspec.spec import Item, Keys, Use

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


class Made(NamedTuple):
    """A child's place among the children, its item and the names it sees, and what came of it."""

    place: int
    item: Item
    names: Environment
    planned: PlannedChild | None


def use(
    scope: ScopeBuilder, item: Item, part: Use, given: tuple[int, ...], names: Environment
) -> int:
    """Calls an earlier child again; gives the number of its first result."""
    origin = item.origin
    try:
        name = scope.text(part.child, names, scope.types[given[0]], origin.span())
    except Skip:
        return scope.unknown(item, names)
    made = scope.made.get(name)
    if made is None:
        if name == item.name:
            help = "`use` takes the name of an earlier child"
            scope.found.error("cycle", f"{name} calls itself", origin.argument(None), help=[help])
        else:
            report_unknown(scope, name, origin.argument(None), "use")
        return scope.unknown(item, names)
    if made.planned is None:
        return scope.unknown(item, names)
    scope.walk.count(origin)  # a row of the plan, as a layer is
    types = tuple([scope.types[number] for number in given])
    scope.found.context.append((f"{name} is used again here", origin.span()))
    try:
        keys = made.item.keys or Keys()
        device = made.planned.device
        request = Request(made.item, keys, name, types, made.names, device, is_reused=True)
        if item.keys is not None:
            request = request._replace(input_names=item.keys.input_names)
        child = make_child(scope, request)
    finally:
        scope.found.context.pop()
    if child.planned is not None and not _alike(made.planned, child.planned):
        scope.found.error(
            "shape-mismatch",
            f"{name} would have other weights for what reaches it here",
            origin.span(),
            notes=[
                f"{scope.prefix}{name} was made for {_inputs(made.planned)}, "
                f"and gets {_inputs(child.planned)}"
            ],
            help=["shared weights take inputs of the same channels"],
        )
        child = UNKNOWN
    scope.need_steps()
    numbers = scope.call(child, child.ordered(given), origin, made.place)
    if item.name is not None:
        scope.name_value(item, names, given, numbers, child.outputs)
    return numbers[0]


def _alike(first: PlannedChild, other: PlannedChild) -> bool:
    """Whether two plans of a child have the same weights and layers."""
    if isinstance(first, PlannedLayer) and isinstance(other, PlannedLayer):
        one, two = first.application, other.application
        return (
            one.type is two.type
            and one.written == two.written
            and one.parameters == two.parameters
            and one.buffers == two.buffers
        )
    if isinstance(first, PlannedScope) and isinstance(other, PlannedScope):
        return len(first.children) == len(other.children) and all(
            a.name == b.name and _alike(a, b)
            for a, b in zip(first.children, other.children, strict=True)
        )
    return False


def _inputs(child: PlannedChild) -> str:
    return ", ".join(map(str, child.inputs))
