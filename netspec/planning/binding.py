"""Checks the written arguments of a layer against its declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from netspec.declaration import LayerType
from netspec.declaration.arguments import Argument, OneOf, Real, Tuple, Whole, spelled
from netspec.diagnostics import Diagnostics, Line, listed, nearest
from netspec.source.nodes import shortened
from netspec.spec import Layer, Origin, Value
from netspec.templates import Template

if TYPE_CHECKING:
    from netspec.advice.layers import Site

#: Makes the place of a layer, which only advice asks for.
MakeSite = Callable[[], "Site"]
NOTHING_GIVEN: Mapping[str, Value] = {}


def bind(
    layer_type: LayerType,
    layer: Layer,
    origin: Origin,
    found: Diagnostics,
    site: MakeSite | None = None,
) -> Mapping[str, Value] | None:
    """The written arguments by name, or None when one of them is wrong or missing.

    An initialiser's may be computed when a model is built: those are not looked at here.
    ``site`` gives the place of the layer, for what is advised.
    """
    bound: dict[str, Value] = {}
    spelling: dict[str, str] = {}  # the name or former name under which an argument is written
    meant: set[str | None] = set()  # what mistyped arguments stand for, so not missing too
    fine = True
    for name, value in layer.arguments:
        if name is None:
            name = layer_type.obvious_argument
            if name is None:
                _no_obvious(layer_type, value, origin, found, site)
                return None
        argument = layer_type.argument(name)
        if argument is None:
            _unknown(layer_type, name, value, layer, origin, found, site)
            meant.add(_meant(name, tuple(layer_type.arguments)))
            fine = False
        elif not isinstance(value, Template) and not argument.kind.accepts(value):
            _wrong(layer_type, argument, value, layer, origin, found, site)
            if name not in layer_type.arguments:
                meant.add(_meant(name, tuple(layer_type.arguments)))
            fine = False
        elif spelling.setdefault(argument.name, name) != name:
            _twice(layer_type, name, argument, origin, found)
            fine = False
        bound[argument.name if argument else name] = value
    missing = [name for name in layer_type.required if name not in bound and name not in meant]
    if missing:
        fine = False
        _missing(layer_type, missing, bound, layer, origin, found, site)
    return bound if fine else None


@lru_cache(256)  # a repeated mistake is met in each copy
def _meant(name: str, known: tuple[str, ...]) -> str | None:
    """The argument that a name stands for which the layer does not have."""
    from netspec.advice.arguments import other_name

    return other_name(name, known) or nearest(name, known)


def usage(layer_type: LayerType, given: Mapping[str, Value] = NOTHING_GIVEN) -> str:
    """How the layer is written: ``conv2d: {out_channels: 64, kernel_size: 3}``."""
    name = layer_type.name
    shown = {
        argument: shortened(spelled(given[argument])) if argument in given else example(kind)
        for argument, kind in layer_type.arguments.items()
        if argument in given or argument in layer_type.required
    }
    if not shown:
        return f"`{name}`"
    if list(shown) == [layer_type.obvious_argument]:
        return f"`{name}: {next(iter(shown.values()))}`"
    return f"`{name}: {{{', '.join(f'{n}: {value}' for n, value in shown.items())}}}`"


def example(argument: Argument) -> str:
    """A value that the argument might get, as it is written."""
    kind = argument.kind.kinds[0] if isinstance(argument.kind, OneOf) else argument.kind
    if isinstance(kind, Whole):
        return {"kernel_size": "3", "dim": "1"}.get(argument.name, "64")
    if isinstance(kind, Tuple):
        return f"[{', '.join(['8'] * (kind.length or 2))}]"
    return "0.5" if isinstance(kind, Real) else "..."


def _unknown(
    layer_type: LayerType,
    name: str,
    value: object,
    layer: Layer,
    origin: Origin,
    found: Diagnostics,
    site: MakeSite | None,
) -> None:
    known = list(layer_type.arguments)
    why_not = layer_type.left_out.get(name)

    def help() -> Line:
        from netspec.advice.binding import unknown_argument

        takes = f"it takes {listed(known)}" if known else "it takes no arguments"
        written = None if isinstance(value, Template) else cast(Value, value)
        return unknown_argument(layer_type, name, written, layer, origin, site and site(), takes)

    found.error(
        "unknown-argument",
        f"{layer_type.name} has no argument {shortened(name)!r}",
        origin.argument_name(name),
        help=[help] if why_not is None else [f"in the plugin: {why_not}"],
    )


def _twice(
    layer_type: LayerType, name: str, argument: Argument, origin: Origin, found: Diagnostics
) -> None:
    found.error(
        "bad-argument",
        f"{argument.name} of {layer_type.name} is given twice, once under a former name",
        origin.argument_name(name),
        help=[f"write {argument.name} alone"],
    )


def _wrong(
    layer_type: LayerType,
    argument: Argument,
    value: Value,
    layer: Layer,
    origin: Origin,
    found: Diagnostics,
    site: MakeSite | None,
) -> None:
    def help() -> Line:
        from netspec.advice.binding import wrong_value

        return wrong_value(layer_type, argument, value, layer, origin, site and site())

    found.error(
        "bad-argument",
        f"{argument.name} of {layer_type.name} takes {argument.describe()}, not {_shown(value)}",
        origin.argument(argument.name),
        help=[help],
    )


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return f"the text {shortened(value)!r}"
    if value is None:
        return "nothing"
    return shortened(spelled(value))


def _missing(
    layer_type: LayerType,
    missing: list[str],
    bound: Mapping[str, Value],
    layer: Layer,
    origin: Origin,
    found: Diagnostics,
    site: MakeSite | None,
) -> None:
    bare = layer.arguments and layer.arguments[0][0] is None
    given = {
        name: value
        for name, value in bound.items()
        if name in layer_type.arguments and layer_type.arguments[name].kind.accepts(value)
    }

    def help() -> Line:
        from netspec.advice.binding import missing_arguments

        otherwise = f"write {usage(layer_type, given)}"
        return missing_arguments(layer_type, layer, origin, site and site(), otherwise)

    found.error(
        "missing-argument",
        f"{layer_type.name} needs {listed(missing)}",
        origin.span(),
        help=[help],
        notes=[f"the bare value sets {layer_type.obvious_argument}"] if bare else (),
    )


def _no_obvious(
    layer_type: LayerType,
    value: Value,
    origin: Origin,
    found: Diagnostics,
    site: MakeSite | None,
) -> None:
    def help() -> Line:
        from netspec.advice.binding import no_bare_value

        return no_bare_value(layer_type, value, origin, site and site())

    takes = "its arguments by name" if layer_type.arguments else "no arguments"
    message = f"{layer_type.name} takes {takes}"
    found.error("no-bare-value", message, origin.argument(None), help=[help])
