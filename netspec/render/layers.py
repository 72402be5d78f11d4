"""Layers and plugins as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from netspec.declaration import LayerType
from netspec.diagnostics.text import printable
from netspec.registry import Plugin, RegisteredLayer
from netspec.render.columns import cut, wrapped
from netspec.render.facts import argument_rows, family_of, paragraphs, several_inputs, ways

WIDTH = 80  # of what is not a table of one line for each row, where no terminal says another


def layer_list(layers: Mapping[str, RegisteredLayer], width: int | None) -> str:
    """One line for each layer, by family, under the plugin that brought it."""
    lines: list[str] = []
    for plugin, brought in groupby(layers.items(), lambda named: named[1].plugin):
        lines += [""] if lines else []
        lines.append(_titled(plugin))
        for family, alike in groupby(brought, lambda named: family_of(named[1].layer)):
            lines += _family(family, {name: one.layer for name, one in alike}, width)
    return "\n".join([*lines, "", "`netspec layers NAME` explains one"])


def _family(
    heading: str | None, layers: Mapping[str, LayerType], width: int | None
) -> Iterator[str]:
    indent = "  "
    if heading is not None:
        yield ""
        yield indent + _fitted(heading, width and width - len(indent))
        indent *= 2
    names = max(map(len, layers))
    for name, layer in layers.items():
        head = f"{indent}{name.ljust(names)}  "
        summary = plain(layer.summary).removesuffix(".")
        yield head + _fitted(summary, width and width - len(head))


def layer_page(one: RegisteredLayer, width: int | None = None) -> str:
    """How a layer is written, what it does, and each of its inputs and arguments."""
    layer = one.layer
    width = width or WIDTH
    lines = [
        *wrapped(f"{layer.name} makes {layer.target} (from {_source(one.plugin)})", width, "  "),
        "",
        *_description(layer, width),
        "",
    ]
    if layer.deprecated:
        lines += [*wrapped(f"deprecated: {layer.deprecated}", width), ""]
    if layer.was:
        lines += [f"was {', '.join(layer.was)}", ""]
    inputs = several_inputs(layer)
    lines += _ways(layer, "write " if inputs else "write", width)
    if inputs:
        lines += _labelled("inputs", plain(inputs), width)
    if layer.arguments:
        lines += ["", *_arguments(layer, width)]
    if layer.left_out:
        left_out = ", ".join(layer.left_out)
        lines += ["", *_labelled("not in specs (defaults stay):", left_out, width)]
    return "\n".join(lines)


def plain(docstring: str) -> str:
    """A docstring without the marks of code."""
    return docstring.replace("``", "").replace("`", "")


def _ways(layer: LayerType, label: str, width: int) -> Iterator[str]:
    """On one line, or each on its own."""
    known = ways(layer)
    line = f"{label}  {'  or  '.join(known)}"
    if len(line) <= width:
        yield line
        return
    for number, way in enumerate(known):
        yield from _labelled("or".ljust(len(label)) if number else label, way, width)


def _labelled(label: str, text: str, width: int) -> list[str]:
    return wrapped(f"{label}  {text}", width, " " * (len(label) + 2))


def _description(layer: LayerType, width: int) -> Iterator[str]:
    """Filled anew; addresses and indented lines stay as they are."""
    for text in paragraphs(layer):
        is_text = text and not text.startswith((" ", "http"))
        yield from wrapped(plain(text), width) if is_text else [plain(text)]


def _arguments(layer: LayerType, width: int) -> Iterator[str]:
    rows = [("argument", "takes", "if left out")]
    rows += [(name, takes, plain(left_out)) for name, takes, left_out in argument_rows(layer)]
    names, takes, last = (max(len(row[i]) for row in rows) for i in range(3))
    # The middle column gives way, down to a width in which its words still stand.
    takes = min(takes, max(20, width - names - last - 4))
    for name, text, left_out in rows:
        first, *more = wrapped(text, takes)
        yield f"{name.ljust(names)}  {first.ljust(takes)}  {left_out}".rstrip()
        yield from (" " * (names + 2) + line for line in more)


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
        if not plugin.problem:
            for kind, names in plugin.brings.items():
                lines += wrapped(f"  {kind}: {', '.join(names)}", width, "    ")
        named = {"netspec_layers", *(f"netspec_{kind}" for kind in plugin.brings)}
        others = [hook for hook in plugin.hooks if hook not in named]
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


def _fitted(summary: str, width: int | None) -> str:
    """The summary, or its first part, or its first words."""
    if width is None:
        return summary
    for end in ("\n", ": (", "; "):
        part = summary.partition(end)[0]
        if len(part) <= width:
            return part
    return cut(summary, width)[:-3].rpartition(" ")[0].rstrip(",;:( ") + "..."
