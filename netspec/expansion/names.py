"""The names of children, and the order in which they are registered."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from netspec.diagnostics import Instead
from netspec.expansion.module_names import TAKEN_NAMES
from netspec.expansion.references import fits
from netspec.expansion.values import NOWHERE, Environment, Skip
from netspec.planning.planner import Known
from netspec.spec import Item
from netspec.spec.parser import MAX_WORD
from netspec.templates import Template

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def child_name(scope: ScopeBuilder, item: Item, names: Environment, at: Known) -> str | None:
    """The child's name: its own, or its number among the children without one.

    None where it can have no name; that, and a name that is taken, are reported.
    """
    written = item.name
    if written is None:
        name = str(scope.unnamed)
        scope.unnamed += 1
        if name not in scope.names:
            scope.names[name] = item.origin
            return name
    span = item.origin.reserved("name")
    if isinstance(written, Template):
        try:
            name = scope.text(written, names, at, span)
        except Skip:
            return None
        if not name or "." in name or len(name) > MAX_WORD:
            what = "is empty" if not name else "has a dot" if "." in name else "is too long"
            scope.found.error("bad-name", f"the name {name[:60]!r} {what}", span)
            return None
    elif written is not None:
        name = written
    if item.name is not None and name in TAKEN_NAMES:
        other = f"{name.strip('_') or 'layer'}_1"
        scope.found.error(
            "taken-name",
            f"no child can be called {name!r}: every torch.nn.Module has an attribute of that name",
            span,
            help=[Instead(f"call it {other}", other)],
        )
    if name in scope.names:
        first = scope.names[name]
        place = first.reserved("name").locate()
        scope.found.error(
            "name-twice",
            f"two children of {scope.path or 'the model'} are called {name!r}",
            span,
            notes=[f"the first is at {place}"],
            help=[lambda: _another_name(scope, name)],
        )
    scope.names.setdefault(name, item.origin)
    return name


def _another_name(scope: ScopeBuilder, name: str) -> Instead:
    number = next(at for at in count(2) if f"{name}{at}" not in scope.names)
    return Instead("give one of them another name", f"{name}{number}", is_certain=False)


def register(scope: ScopeBuilder, names: Environment) -> tuple[str, ...]:
    """The children in the order of registration: those that ``register`` names first.

    Nothing where that is the order of their calls.
    """
    first: list[str] = []
    for position, written in enumerate(scope.layers.register):
        span = scope.written.reserved("register", position)
        try:
            name = scope.text(written, names, NOWHERE, span)
        except Skip:
            continue
        if "*" in name:
            scope.walk.read(len(scope.made), span)
            fitting = [known for known in scope.made if fits(name, known)]
        else:
            fitting = [name] if name in scope.made else []
        first += fitting
        if not fitting and name not in scope.named:
            scope.found.error(
                "unknown-reference", f"`register` names {name!r}, but no child is called so", span
            )
    called = [node.name for node in scope.graph.nodes if node.is_call and not node.is_again]
    order = [*dict.fromkeys((*first, *called))]
    return () if order == called else tuple(order)
