"""``from`` and ``outputs``: names of earlier values of a container."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from netspec.diagnostics import Advice, Instead, Line, Span, ring, suggestion
from netspec.expansion.values import NOWHERE, Environment, Skip, UnknownShape, computed
from netspec.spec import Name, Origin
from netspec.templates import EvaluationError, brief

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def resolve(
    scope: ScopeBuilder, written: tuple[Name, ...], origin: Origin, names: Environment
) -> tuple[int, ...]:
    """The numbers of the values that names stand for; nothing where one is wrong (reported)."""
    numbers: list[int] = []
    for position, name in enumerate(written):
        span = origin.reserved("from", position)
        try:
            value = scope.value(name, names, NOWHERE, span)
        except Skip:
            return ()
        for text in value if type(value) is tuple else (value,):
            if type(text) is not str and type(text) is not int:
                scope.found.error(
                    "bad-name", f"`from` takes names, but {name} is {brief(text)}", span
                )
                return ()
            found = find(scope, str(text), span, origin)
            if not found:
                return ()
            numbers += found
    scope.walk.read(len(numbers), origin.reserved("from"))
    return tuple(numbers)


def one_of(scope: ScopeBuilder, written: tuple[Name, ...], names: Environment) -> int | None:
    """The number of the one value that is named; None where it is none or several."""
    if len(written) > 1:
        return None
    try:
        name = computed(written[0], names)
    except (EvaluationError, UnknownShape):
        return None
    if type(name) is not str and type(name) is not int:
        return None
    child, _, output = str(name).rpartition(".")
    known = scope.named.get(str(name))
    if known is not None:
        return known.values[0]
    of_child = scope.named.get(child)
    if of_child is None or output not in of_child.outputs:
        return None
    return of_child.values[of_child.outputs.index(output)]


def find(
    scope: ScopeBuilder, name: str, span: Span, asking: Origin | None = None
) -> tuple[int, ...]:
    """The values of one name, which may have a ``*``; nothing where there is none (reported).

    ``asking`` is the item that takes them.
    """
    if "*" in name:
        return _matching(scope, name, span)
    if name in scope.named:
        return scope.named[name].values[:1]
    child, _, output = name.rpartition(".")
    if child in scope.named:
        return _output(scope, child, output, span)
    if asking is None or not _report_cycle(scope, name, span, asking):
        report_unknown(scope, name, span, "from", asking)
    return ()


def fits(pattern: str, name: str) -> bool:
    """Whether a name is the pattern, or has any letters where the pattern has a ``*``."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    *middle, last = others
    end = len(name) - len(last)
    if len(first) > end or not name.startswith(first) or not name.endswith(last):
        return False
    place = len(first)
    for part in middle:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _matching(scope: ScopeBuilder, pattern: str, span: Span) -> tuple[int, ...]:
    name, _, output = pattern.partition(".")
    numbers: list[int] = []
    scope.walk.read(len(scope.named), span)
    fitting = [known for known in scope.named if fits(name, known)]
    for known in fitting:
        if output:
            found = _output(scope, known, output, span)
            if not found:
                return ()
            numbers += found
        else:
            numbers += scope.named[known].values[:1]
    if not numbers:
        known_names = ", ".join(islice(scope.named, 20))
        scope.found.error(
            "unknown-reference",
            f"no earlier value has a name like {pattern!r}",
            span,
            help=[f"known here: {known_names}"],
        )
    return tuple(numbers)


def _output(scope: ScopeBuilder, child: str, output: str, span: Span) -> tuple[int, ...]:
    named = scope.named[child]
    if all(scope.types[number] is None for number in named.values):
        return named.values[:1]
    if output in named.outputs:
        return (named.values[named.outputs.index(output)],)
    help = suggestion(
        output, named.outputs, f"it has {', '.join(named.outputs[:20])}", f"{child}.{{}}"
    )
    only = f"its one output is `from: {child}`; a container says `outputs: {{{output}: ...}}`"
    scope.found.error(
        "unknown-output",
        f"{child} has no output {output!r}",
        span,
        help=[only if len(named.outputs) == 1 else help],
    )
    return ()


def _report_cycle(scope: ScopeBuilder, name: str, span: Span, asking: Origin) -> bool:
    """Whether the item that asks for the value is what the value is made of (reported)."""
    cycle = [] if scope.found.is_full else scope.reads.cycle(name, asking)
    if not cycle:
        return False
    shown = ring([name[:40] for name in cycle])
    message = f"{shown[0]} takes its own output"
    if len(cycle) > 2:
        message += f": {' <- '.join(shown)}"
    help = "values flow one way: take an earlier one; `use` calls a layer again"
    scope.found.error("cycle", message, span, help=[help])
    return True


def report_unknown(
    scope: ScopeBuilder, name: str, span: Span, word: str, asking: Origin | None = None
) -> None:
    """Says why a name stands for no earlier value of the container."""
    where = scope.path or "the model"
    shown = name if len(name) <= 60 else name[:57] + "..."
    notes: list[str] = []
    help: Advice
    if scope.found.is_full:
        message, help = f"there is no {shown!r} in {where}", ""
    elif name in scope.named:
        message = f"{shown!r} is a value, not a child that can be called again"
        help = "`use` takes the name of a layer, block or container"
    elif name in scope.reads.takes:
        message = f"{shown!r} comes later in {where}: only earlier values can be used"
        help = "move it up, or move this item below it"
    elif "." in name and name.partition(".")[0] in scope.named:
        message = f"{shown!r} is inside another container"
        help = "a container shows its `outputs` only: name what it gives, `from: name.output`"
    else:
        message = (
            f"there is no earlier {'child' if word == 'use' else 'value'} {shown!r} in {where}"
        )
        known = scope.made if word == "use" else scope.named
        further = (
            "a container sees its own children only; what comes from outside is passed in: "
            "`inputs: [a, b]` beside `layers`, and `from: [x, y]` where it is used"
        )
        help = partial(
            _other_reference, name, tuple(known), asking, suggestion(name, known, further)
        )
        if known:
            notes.append(f"known here: {', '.join(islice(known, 20))}")
    scope.found.error("unknown-reference", message, span, notes=notes, help=[help])


def _other_reference(
    name: str, known: Collection[str], asking: Origin | None, otherwise: Callable[[], Line]
) -> Line:
    """The help for ``from: -1`` and ``from: a, b``."""
    names = [part.strip() for part in name.split(",")]
    if len(names) > 1 and all(part in known for part in names):
        text = f"[{', '.join(names)}]"
        return Instead(f"a list is in brackets: `{text}`", text)
    if name == "-1" and asking is not None:
        from netspec.advice.writing import without_entry

        message = "leave `from` out: an item takes the value before it"
        return without_entry(message, asking.source, asking.item, "from")
    return otherwise()
