"""Layers and plugins as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from netspec.declaration import LayerType
from netspec.declaration.arguments import Argument, spelled
from netspec.diagnostics.text import printable
from netspec.planning.binding import example, usage
from netspec.registry import Plugin, RegisteredLayer
from netspec.render.columns import cut, wrapped

WIDTH = 80  # of what is not a table of one line for each row, where no terminal says another


def layer_list(layers: Sequence[RegisteredLayer], width: int | None) -> str:
    """One line for each layer, under the plugin that brought it."""
    names = max((len(one.layer.name) for one in layers), default=0)
    lines: list[str] = []
    plugin = None
    for one in layers:
        if one.plugin != plugin:
            plugin = one.plugin
            lines += [""] if lines else []
            lines.append(_titled(plugin))
        head = f"  {one.layer.name.ljust(names)}  "
        summary = plain(one.layer.summary).removesuffix(".")
        lines.append(head + (summary if width is None else _fitted(summary, width - len(head))))
    return "\n".join([*lines, "", "`netspec layers NAME` explains one"])


def layer_page(one: RegisteredLayer, width: int | None = None) -> str:
    """How a layer is written, what it does, and each of its arguments."""
    layer = one.layer
    width = width or WIDTH
    lines = [
        *wrapped(f"{layer.name} makes {layer.target} (from {_source(one.plugin)})", width, "  "),
        "",
        *_description(layer, width),
        "",
        f"write  {_usage(layer)}",
    ]
    if layer.arguments:
        lines += ["", *_arguments(layer, width)]
    return "\n".join(lines)


def plain(docstring: str) -> str:
    """A docstring without the marks of code."""
    return docstring.replace("``", "").replace("`", "")


def _usage(layer: LayerType) -> str:
    """The shortest form, and the one with the obvious argument where the layer has one."""
    text = plain(usage(layer))
    obvious = layer.obvious_argument
    if layer.required or obvious is None:
        return text
    argument = layer.arguments[obvious]
    value = example(argument) if argument.default is None else spelled(argument.default)
    return f"{text}  or  {layer.name}: {value}"


def _description(layer: LayerType, width: int) -> list[str]:
    """Paragraphs are filled anew; addresses and indented lines stay as they are."""
    lines: list[str] = []
    filled = ""
    for line in [*plain(layer.description).splitlines(), ""]:
        if line and not line.startswith((" ", "http")):
            filled = f"{filled} {line}".strip()
            continue
        lines += wrapped(filled, width) if filled else []
        lines.append(line)
        filled = ""
    return lines[:-1]


def _arguments(layer: LayerType, width: int) -> Iterator[str]:
    rows = [("argument", "takes", "if left out")]
    rows += [(a.name, _takes(a), _left_out(a)) for a in layer.arguments.values()]
    names, takes, last = (max(len(row[i]) for row in rows) for i in range(3))
    # The middle column gives way, down to a width in which its words still stand.
    takes = min(takes, max(20, width - names - last - 4))
    for name, text, left_out in rows:
        first, *more = wrapped(text, takes)
        yield f"{name.ljust(names)}  {first.ljust(takes)}  {left_out}".rstrip()
        yield from (" " * (names + 2) + line for line in more)


def _takes(argument: Argument) -> str:
    return re.sub(r"\ban? ", "", argument.describe())


def _left_out(argument: Argument) -> str:
    if argument.required:
        return "required"
    return argument.inferred or spelled(argument.default)


def plugin_list(plugins: Sequence[Plugin], width: int | None) -> str:
    """Each plugin with what it adds, or with the reason why it is disabled."""
    lines: list[str] = []
    for plugin in plugins:
        lines += [""] if lines else []
        lines.append(_titled(plugin))
        if plugin.problem:
            problem = printable(" ".join(plugin.problem.split()))  # may quote a traceback
            lines += wrapped(f"  disabled: {problem}", width, "    ")
        elif plugin.layers:
            lines += _layer_names(plugin.layers, width)
        others = [hook for hook in plugin.hooks if hook != "netspec_layers"]
        if others:
            lines += wrapped(f"  hooks: {', '.join(others)}", width, "    ")
    return "\n".join(lines)


def _layer_names(names: Sequence[str], width: int | None) -> list[str]:
    """Two lines of them; the rest is counted."""
    head = f"  {len(names)} layer{'s' if len(names) > 1 else ''}: "
    for count in range(len(names), 0, -1):
        more = "" if count == len(names) else " ... (see `netspec layers`)"
        lines = wrapped(f"{head}{', '.join(names[:count])}{more}", width, "    ")
        if len(lines) <= 2:
            return lines
    return lines


def _titled(plugin: Plugin) -> str:
    return f"{plugin.name} (from {_source(plugin)})"


def _source(plugin: Plugin) -> str:
    return f"{plugin.package} {plugin.version}".strip()


def _fitted(summary: str, width: int) -> str:
    """The summary, or its first part, or its first words."""
    for end in ("\n", ": (", "; "):
        part = summary.partition(end)[0]
        if len(part) <= width:
            return part
    return cut(summary, width)[:-3].rpartition(" ")[0].rstrip(",;:( ") + "..."
