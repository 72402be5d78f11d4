"""Composites: layers of the scope around them, wired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from netspec.budget import COMPOSITE, ITEM
from netspec.declaration import Refusal, TensorType
from netspec.expansion.values import Environment, Skip, opened
from netspec.graph import Operation
from netspec.operators import OPERATORS
from netspec.planning.merging import merge, split
from netspec.planning.needs import decide
from netspec.sizes import SizeLimit
from netspec.spec import Concat, Each, Item, Layers, Merge, Origin, Part, Residual, Scale, Split
from netspec.templates import brief

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def branches(part: Part) -> tuple[Layers, ...]:
    """The groups of layers in a composite."""
    if isinstance(part, Residual):
        return (part.body, part.shortcut)
    if isinstance(part, Scale):
        return (part.body,)
    if isinstance(part, Each):
        return (part.layers,)
    return part.branches if isinstance(part, Concat | Split | Merge) else ()


def write_out(
    scope: ScopeBuilder,
    item: Item,
    given: tuple[int, ...],
    names: Environment,
    device: str | None,
) -> int:
    """Wires a composite's layers as children of the scope; gives the number of its result."""
    part, origin = item.part, item.origin
    if isinstance(part, Each):
        return _each(scope, part, origin, given, names, device)
    scope.walk.budget.spend(COMPOSITE)
    if len(given) > 1 and branches(part):
        scope.found.error(
            "wrong-inputs",
            "all branches get one value, but `from` names several",
            origin.reserved("from"),
            help=["without branches it merges what `from` names"],
        )
        return scope.unknown(item, names)
    value = given[0]
    if isinstance(part, Residual):
        groups = (part.shortcut, part.body) if part.shortcut_first else (part.body, part.shortcut)
        numbers = [scope.chain(group, value, names, device) for group in groups]
        return _merged(scope, "residual", tuple(numbers), 0, origin, part.shortcut_first)
    if isinstance(part, Scale):
        numbers = [scope.chain(part.body, value, names, device), value]
        return _merged(scope, "scale", tuple(numbers), 0, origin)
    if isinstance(part, Split):
        return _split(scope, part, item, value, names, device)
    assert isinstance(part, Concat | Merge)
    if part.branches:
        given = tuple([scope.chain(group, value, names, device) for group in part.branches])
    elif len(given) < 2 or (isinstance(part, Merge) and not OPERATORS[part.kind].takes(len(given))):
        word = str(origin.word[0])
        scope.found.error(
            "wrong-inputs",
            f"`{word}` without branches merges the values that `from` names, but gets {len(given)}",
            origin.reserved("from"),
            help=[f"write `{{{word}: , from: [a, b]}}` or `{word}: [[...], [...]]`"],
        )
        return scope.unknown(item, names)
    if isinstance(part, Merge):
        return _merged(scope, part.kind, given, 0, origin)
    dim = _dim(scope, part.dim, item, names, value)
    return (
        scope.unknown(item, names) if dim is None else _merged(scope, "concat", given, dim, origin)
    )


def _each(
    scope: ScopeBuilder,
    part: Each,
    origin: Origin,
    given: tuple[int, ...],
    names: Environment,
    device: str | None,
) -> int:
    value = given[0]
    span = origin.argument("in")
    try:
        entries = scope.value(part.entries, names, scope.types[value], span)
    except Skip:
        return scope.lost()
    if type(entries) is not tuple:
        message = f"`each` needs a list, but {part.entries} is {brief(entries)}"
        scope.found.error("bad-value", message, span, help=["`$(range(n))` counts to a number"])
        return scope.lost()
    for index, entry in enumerate(entries):
        scope.walk.count(origin)
        scope.walk.budget.enter(origin, ITEM)
        inner, own = opened(names)
        own["index"] = index
        if part.unpacks:
            if type(entry) is not tuple or len(entry) != len(part.names):
                has = f"{len(entry)} values" if type(entry) is tuple else "no list"
                scope.found.error(
                    "bad-value",
                    f"row {index} of `each` is {has}, but `as` has {len(part.names)} names",
                    span,
                )
                return scope.lost()
            own.update(zip(part.names, entry, strict=True))
        elif part.names:
            own[part.names[0]] = entry
        with scope.found.copy(f"entry {index} of `each`"):
            value = scope.chain(part.layers, value, inner, device)
    return value


def _split(
    scope: ScopeBuilder,
    part: Split,
    item: Item,
    value: int,
    names: Environment,
    device: str | None,
) -> int:
    origin = item.origin
    dim = _dim(scope, part.dim, item, names, value)
    type = scope.types[value]
    count = len(part.branches)
    numbers: tuple[int, ...] | None = None
    if type is not None and dim is not None:
        try:
            pieces, needs = split(type, dim, count)
            conditions = tuple([one for need in needs for one in decide(need)])
            pieces = tuple([scope.walk.planner.same(piece) for piece in pieces])
            cut = Operation("split", (type,), pieces, type.dim(dim), conditions=conditions)
            numbers = scope.graph.operate(cut, (value,), origin)
        except (Refusal, SizeLimit) as refusal:
            _report(scope, refusal, origin)
    if numbers is None:
        numbers = scope.graph.unknown(count)
    ends = tuple(
        [
            scope.chain(group, number, names, device)
            for group, number in zip(part.branches, numbers, strict=True)
        ]
    )
    return _merged(scope, "concat", ends, 1 if dim is None else dim, origin)


def _merged(
    scope: ScopeBuilder,
    kind: str,
    given: tuple[int, ...],
    dim: int,
    origin: Origin,
    shortcut_first: bool = False,
) -> int:
    """The step that merges values; its result is not known where one of them is not."""
    known = [scope.types[value] for value in given]
    if None in known:
        return scope.lost()
    types = cast(tuple[TensorType, ...], tuple(known))
    stretched: tuple[int, ...] = ()
    is_joined = OPERATORS[kind].call == "join"
    if is_joined:
        stretched = tuple(at for at, value in enumerate(given) if value in scope.sources)
        if len(stretched) == len(given):
            stretched = ()
    try:
        told = tuple(reversed(types)) if shortcut_first else types
        type, macs = merge(OPERATORS[kind], told, dim, origin, stretched)
        result = scope.walk.planner.same(type)
        at = types[-1].dim(dim) if is_joined else None
    except (Refusal, SizeLimit) as refusal:
        _report(scope, refusal, origin)
        return scope.lost()
    operation = Operation(kind, types, (result,), at, stretched, macs)
    return scope.graph.operate(operation, given, origin)[0]


def _report(scope: ScopeBuilder, problem: Refusal | SizeLimit, origin: Origin) -> None:
    at, helps = origin.span(), [""]
    if isinstance(problem, Refusal):
        helps = problem.help.split("\n")
        at = origin.argument(problem.argument) if problem.argument else at
    scope.found.error("shape-mismatch", str(problem), at, help=helps)


def _dim(
    scope: ScopeBuilder, written: Any, item: Item, names: Environment, value: int
) -> int | None:
    span = item.origin.argument("dim")
    try:
        dim = scope.value(written, names, scope.types[value], span)
    except Skip:
        return None
    if type(dim) is not int:
        scope.found.error("bad-value", f"`dim` takes a whole number, not {brief(dim)}", span)
        return None
    return dim
