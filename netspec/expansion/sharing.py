"""``use``: an earlier child is called again, with the weights that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from netspec.expansion.children import UNKNOWN, Request, make_child
from netspec.expansion.references import report_unknown
from netspec.expansion.values import Environment, Skip
from netspec.graph import Application, Graph, Node
from netspec.spec import Item, Keys, Use

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


class Made(NamedTuple):
    """A child's item and the names it sees, what came of it, and where it is."""

    item: Item
    names: Environment
    body: Application | Graph | None
    device: str | None


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
    if made.body is None:
        return scope.unknown(item, names)
    scope.walk.count(origin)  # a row of the plan, as a layer is
    types = tuple([scope.types[number] for number in given])
    scope.found.context.append((f"{name} is used again here", origin.span()))
    try:
        keys = made.item.keys or Keys()
        request = Request(made.item, keys, name, types, made.names, made.device)
        if item.keys is not None:
            request = request._replace(input_names=item.keys.input_names)
        child = make_child(scope, request)
    finally:
        scope.found.context.pop()
    if child.body is not None and not _alike(made.body, child.body):
        scope.found.error(
            "shape-mismatch",
            f"{name} would have other weights for what reaches it here",
            origin.span(),
            notes=[
                f"{scope.prefix}{name} was made for {_inputs(made.body)}, "
                f"and gets {_inputs(child.body)}"
            ],
            help=["shared weights take inputs of the same channels"],
        )
        child = UNKNOWN
    numbers = scope.call(name, child, child.ordered(given), origin, is_again=True)
    if item.name is not None:
        scope.name_value(item, names, given, numbers, child.outputs)
    return numbers[0]


def _alike(first: Application | Graph, other: Application | Graph) -> bool:
    """Whether two plans of a child have the same weights and layers."""
    if first is other:
        return True
    if isinstance(first, Application) and isinstance(other, Application):
        return (
            first.type is other.type
            and first.written == other.written
            and first.parameters == other.parameters
            and first.buffers == other.buffers
        )
    if isinstance(first, Graph) and isinstance(other, Graph):
        return len(first.children) == len(other.children) and all(
            a.name == b.name and _alike(_body(a), _body(b))
            for a, b in zip(first.children, other.children, strict=True)
        )
    return False


def _body(node: Node) -> Application | Graph:
    assert isinstance(node.body, Application | Graph)
    return node.body


def _inputs(child: Application | Graph) -> str:
    types = child.inputs if isinstance(child, Application) else [one.type for one in child.inputs]
    return ", ".join(map(str, types))
