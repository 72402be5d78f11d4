"""``from`` as a mapping: earlier values for inputs by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.diagnostics import listed, suggestion
from netspec.expansion.values import Skip
from netspec.source.nodes import shortened
from netspec.spec import Item, Keys, Layer, Layers, LayerTemplate, Use

if TYPE_CHECKING:
    from netspec.expansion.children import Request
    from netspec.expansion.scope import ScopeBuilder


def in_order(
    scope: ScopeBuilder, request: Request, what: str, known: tuple[str, ...], required: int
) -> tuple[int, ...]:
    """The places of the values, in the order of the inputs; the first ``required`` must be there.

    Raises:
        Skip: a name is no input, or an input is missing, which is reported.
    """
    given, origin = request.input_names, request.item.origin
    unknown = [name for name in given if name not in known]
    for name in unknown:
        scope.found.error(
            "unknown-input",
            f"{what} has no input {shortened(name)!r}",
            origin.input_name(name),
            help=[suggestion(name, known, f"it has {listed(known[:20])}")],
        )
    missing = [name for name in known[:required] if name not in given]
    if missing and not unknown:
        example = ", ".join(f"{name}: ..." for name in known if name in (*given, *missing))
        scope.found.error(
            "wrong-inputs",
            f"{what} needs {listed(missing)} too",
            origin.reserved("from"),
            help=[f"write `from: {{{example}}}`"],
        )
    if unknown or missing:
        raise Skip
    return tuple([given.index(name) for name in known if name in given])


def may_have_names(scope: ScopeBuilder, item: Item, keys: Keys, given: tuple[int, ...]) -> bool:
    """Whether the values of the item can be for inputs by name; else it is reported."""
    span = item.origin.reserved("from")
    if not isinstance(item.part, Layer | LayerTemplate | Layers | Use):
        message = "only layers, blocks and containers have inputs with names"
        help = f"write a list: `from: [{', '.join(map(str, keys.inputs))}]`"
        scope.found.error("misplaced-key", message, span, help=[help])
        return False
    if len(given) != len(keys.input_names):
        message = f"{listed(keys.input_names)} would get {len(given)} values"
        help = "each input by name takes one value; a `*` is for lists"
        scope.found.error("wrong-inputs", message, span, help=[help])
        return False
    return True
