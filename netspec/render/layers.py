"""Layers and plugins as text."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.declaration.arguments import Argument, spelled
from netspec.planning.binding import usage
from netspec.registry import Plugin, RegisteredLayer
from netspec.render.columns import Column, columns


def layer_list(layers: Sequence[RegisteredLayer], width: int | None) -> str:
    """One line for each layer."""
    rows = [(one.layer.name, one.plugin.name, plain(one.layer.summary)) for one in layers]
    heads = (Column("layer"), Column("plugin"), Column("what it does", shrink=True, least=30))
    return "\n".join(columns(heads, rows, width))


def layer_page(one: RegisteredLayer) -> str:
    """How a layer is written, what it does, and each of its arguments."""
    layer = one.layer
    lines = [
        f"{layer.name} makes {layer.target} (from {one.plugin.package} {one.plugin.version})",
        "",
        *(f"  {line}".rstrip() for line in plain(layer.description).splitlines()),
        "",
        f"write {usage(layer).replace('`', '')}",
    ]
    if layer.arguments:
        rows = [
            (argument.name, argument.describe(), _default(argument))
            for argument in layer.arguments.values()
        ]
        heads = (Column("argument"), Column("takes"), Column("left out"))
        lines += ["", *columns(heads, rows)]
    return "\n".join(lines)


def plain(docstring: str) -> str:
    """A docstring without the marks of code."""
    return docstring.replace("``", "")


def _default(argument: Argument) -> str:
    if argument.required:
        return "required"
    if argument.inferred is not None:
        return f"inferred: {argument.inferred}"
    return spelled(argument.default)


def plugin_list(plugins: Sequence[Plugin], width: int | None) -> str:
    """One line for each plugin, then the reasons of the disabled ones."""
    heads = (
        Column("plugin"),
        Column("package"),
        Column("hooks", shrink=True, least=20),
        Column("layers", shrink=True, least=20),
    )
    rows = [
        (
            plugin.name,
            f"{plugin.package} {plugin.version}".strip(),
            "disabled" if plugin.problem else ", ".join(plugin.hooks),
            ", ".join(plugin.layers),
        )
        for plugin in plugins
    ]
    problems = [plugin.problem for plugin in plugins if plugin.problem]
    return "\n".join([*columns(heads, rows, width), *(f"disabled: {text}" for text in problems)])
