"""Checks the written arguments of a layer against its declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from netspec.declaration import LayerType
from netspec.declaration.arguments import Argument, OneOf, Real, Tuple, Whole, spelled
from netspec.diagnostics import Diagnostics, did_you_mean, listed, nearest, suggestion
from netspec.source.nodes import shortened
from netspec.spec import Layer, Origin, Value
from netspec.templates import Template

_ARITHMETIC = re.compile(r"\d[\d\s().]*[+*/%-][\d\s()+*/%.-]*\Z", re.ASCII)
NOTHING_GIVEN: Mapping[str, Value] = {}


def bind(
    layer_type: LayerType, layer: Layer, origin: Origin, found: Diagnostics
) -> Mapping[str, Value] | None:
    """The written arguments by name, or None when one of them is wrong or missing.

    An initialiser's may be computed when a model is built: those are not looked at here.
    """
    bound: dict[str, Value] = {}
    meant: set[str | None] = set()  # what mistyped arguments stand for, so not missing too
    fine = True
    for name, value in layer.arguments:
        if name is None:
            name = layer_type.obvious_argument
            if name is None:
                _no_obvious(layer_type, value, origin, found)
                return None
        argument = layer_type.argument(name)
        if argument is None:
            _unknown(layer_type, name, origin, found)
            meant.add(_near(name, tuple(layer_type.arguments)))
            fine = False
        elif not isinstance(value, Template) and not argument.kind.accepts(value):
            _wrong(layer_type, argument, value, origin, found)
            if name not in layer_type.arguments:
                meant.add(_near(name, tuple(layer_type.arguments)))
            fine = False
        bound[name] = value
    missing = [name for name in layer_type.required if name not in bound and name not in meant]
    if missing:
        fine = False
        _missing(layer_type, missing, bound, layer, origin, found)
    return bound if fine else None


@lru_cache(256)  # a repeated mistake is met in each copy
def _near(name: str, known: tuple[str, ...]) -> str | None:
    return nearest(name, known)


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


def _unknown(layer_type: LayerType, name: str, origin: Origin, found: Diagnostics) -> None:
    known = list(layer_type.arguments)
    takes = f"it takes {listed(known)}" if known else "it takes no arguments"
    found.error(
        "unknown-argument",
        f"{layer_type.name} has no argument {shortened(name)!r}",
        origin.argument_name(name),
        help=[suggestion(name, known, takes)],
    )


def _wrong(
    layer_type: LayerType, argument: Argument, value: Value, origin: Origin, found: Diagnostics
) -> None:
    span = origin.argument(argument.name)
    found.error(
        "bad-argument",
        f"{argument.name} of {layer_type.name} takes {argument.describe()}, not {_shown(value)}",
        span,
        help=[lambda: _mistyped(layer_type, argument.name) or _remedy(argument, value)],
    )


def _mistyped(layer_type: LayerType, name: str) -> str:
    """The argument that is meant, where any name is one and this is like a declared one."""
    if name in layer_type.arguments:
        return ""
    return did_you_mean(name, layer_type.arguments)


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return f"the text {shortened(value)!r}"
    if value is None:
        return "nothing"
    return shortened(spelled(value))


def _remedy(argument: Argument, value: Value) -> str:
    if isinstance(value, str):
        for word in (value, value.lower()):
            plain = {"yes": True, "on": True, "no": False, "off": False}.get(word)
            if plain is not None and argument.kind.accepts(plain):
                return f"write `{spelled(plain)}`: in YAML 1.2 `{value}` is a text"
        try:
            number: Value = int(value[:40]) if value[:40].lstrip("-").isdigit() else float(value)
        except ValueError:
            if value.startswith("("):
                return "a list is written in brackets: `[3, 3]`"
            if _ARITHMETIC.match(value[:40]):
                return "write the number itself: a spec does not calculate"
            kinds = argument.kind.kinds if isinstance(argument.kind, OneOf) else (argument.kind,)
            words = [v for kind in kinds for v in getattr(kind, "values", ()) if type(v) is str]
            return did_you_mean(value, words)
        if argument.kind.accepts(number):
            return f"remove the quotes: {spelled(number)}"
    if isinstance(value, float) and value.is_integer() and argument.kind.accepts(int(value)):
        return f"write {int(value)}"
    if type(value) is int and abs(value) < 10**300 and argument.kind.accepts(float(value)):
        return f"write {float(value)}"
    return ""


def _missing(
    layer_type: LayerType,
    missing: list[str],
    bound: Mapping[str, Value],
    layer: Layer,
    origin: Origin,
    found: Diagnostics,
) -> None:
    bare = layer.arguments and layer.arguments[0][0] is None
    given = {
        name: value
        for name, value in bound.items()
        if name in layer_type.arguments and layer_type.arguments[name].kind.accepts(value)
    }
    found.error(
        "missing-argument",
        f"{layer_type.name} needs {listed(missing)}",
        origin.span(),
        help=[f"write {usage(layer_type, given)}"],
        notes=[f"the bare value sets {layer_type.obvious_argument}"] if bare else (),
    )


def _no_obvious(layer_type: LayerType, value: Value, origin: Origin, found: Diagnostics) -> None:
    if not layer_type.arguments:
        message, help = f"{layer_type.name} takes no arguments", f"write `{layer_type.name}`"
    else:
        message = f"{layer_type.name} takes its arguments by name"
        values = value if isinstance(value, tuple) else (value,)
        # The required ones in their order, as one would call the class; else the first that fits.
        names = layer_type.required or [
            name for name, known in layer_type.arguments.items() if known.kind.accepts(value)
        ]
        given = {
            name: each
            for name, each in zip(names, values, strict=False)
            if layer_type.arguments[name].kind.accepts(each)
        }
        help = f"write {usage(layer_type, given)}"
        if not given and not layer_type.required:
            help += f"; it takes {listed(list(layer_type.arguments))}"
    found.error("no-bare-value", message, origin.argument(None), help=[help])
