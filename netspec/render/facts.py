"""What a declaration says of a layer, in words: the same in a terminal, on a page and as JSON.

Marks of code are those of docstrings, two backticks; who shows a text takes them away or keeps
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from netspec.declaration import LayerType, declared_layers
from netspec.declaration.arguments import Argument, spelled
from netspec.diagnostics import listed
from netspec.layers import FAMILIES
from netspec.planning.binding import example, usage

Row = tuple[str, str, str]


class Family(NamedTuple):
    """Layers of torch.nn that are alike, as their module's docstring says: ``heading: text``."""

    heading: str
    text: str
    layers: tuple[LayerType, ...]


def families() -> Iterator[Family]:
    """The families of torch.nn's layers."""
    for module in FAMILIES:
        title = (module.__doc__ or "").partition("\n")[0].removesuffix(".")
        heading, _, text = title.partition(": ")
        layers = declared_layers(module)
        if layers:
            yield Family(heading, text, layers)


def family_of(layer: LayerType) -> str | None:
    """The heading of the layer's family; None for a plugin's layer."""
    return _headings().get(layer)


@cache
def _headings() -> dict[LayerType, str]:
    return {layer: family.heading for family in families() for layer in family.layers}


def ways(layer: LayerType) -> list[str]:
    """How it is written: the shortest way, with an argument and with inputs that it may have."""
    shortest = usage(layer).strip("`")
    found = [_with_inputs(shortest, layer.inputs[: layer.required_inputs])]
    obvious = layer.obvious_argument
    if obvious is not None and not layer.required:
        argument = layer.arguments[obvious]
        value = example(argument) if argument.default is None else spelled(argument.default)
        found.append(_with_inputs(f"{layer.name}: {value}", layer.inputs[: layer.required_inputs]))
    if len(layer.inputs) > layer.required_inputs:
        found.append(_with_inputs(shortest, layer.inputs))
    return found


def _with_inputs(way: str, inputs: Sequence[str]) -> str:
    if len(inputs) == 1:
        return way
    part = way if ":" in way else f"{way}: "
    return f"{{from: [{', '.join(inputs)}], {part}}}"


def several_inputs(layer: LayerType) -> str:
    """The names of the inputs, where there may be several."""
    if len(layer.inputs) < 2:
        return ""
    names = [f"``{name}``" for name in layer.inputs]
    needed, further = names[: layer.required_inputs], names[layer.required_inputs :]
    return listed(needed) + (f"; {listed(further)} may be left out" if further else "")


def paragraphs(layer: LayerType) -> list[str]:
    """The description with its lines joined; an address or an indented line is one of its own.

    An empty text stands between paragraphs.
    """
    found: list[str] = []
    filled = ""
    for line in [*layer.description.splitlines(), ""]:
        if line and not line.startswith((" ", "http")):
            filled = f"{filled} {line}".strip()
            continue
        found += [filled] if filled else []
        found.append(line)
        filled = ""
    return found[:-1]


def argument_rows(layer: LayerType) -> list[Row]:
    """Each argument: its name, what it takes, and what it is where it is left out."""
    rows = [(a.name, _takes(a), _left_out(a)) for a in layer.arguments.values()]
    if layer.further is not None:
        rows.append((f"**{layer.further.name}", f"{_takes(layer.further)}, by any name", "nothing"))
    return rows


def _takes(argument: Argument) -> str:
    takes = re.sub(r"\ban? ", "", argument.describe())
    was = f" (was {', '.join(argument.was)})" if argument.was else ""
    return f"{takes}{was}" + (f"; deprecated: {argument.deprecated}" if argument.deprecated else "")


def _left_out(argument: Argument) -> str:
    if argument.required:
        return "required"
    return argument.inferred or f"``{spelled(argument.default)}``"
