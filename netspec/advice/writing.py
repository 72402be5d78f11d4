"""Items as a spec has them, and the edits that put them in the place of another item."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from netspec.declaration import LayerType
from netspec.declaration.arguments import spelled
from netspec.diagnostics import Fix, Instead, Span, fix
from netspec.source import MapNode, Node, TextSource
from netspec.source.scalars import TooManyDigits, resolve
from netspec.spec import Origin, Value

MOST_LETTERS = 2_000

_PLAIN = re.compile(r"[A-Za-z_][\w./-]*\Z|\$[A-Za-z_]\w*\Z", re.ASCII)


def value_text(value: Value) -> str:
    """A value as YAML has it inside braces."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if not isinstance(value, str):
        return spelled(value)
    try:
        is_plain = _PLAIN.match(value) is not None and resolve(value) == value
    except TooManyDigits:
        is_plain = False
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def layer_text(layer_type: LayerType, arguments: Mapping[str, str]) -> str:
    """``linear: 512``, ``relu``, or ``conv2d: {out_channels: 16, kernel_size: 3}``."""
    if not arguments:
        return layer_type.name
    if list(arguments) == [layer_type.obvious_argument]:
        return f"{layer_type.name}: {next(iter(arguments.values()))}"
    inside = ", ".join(f"{name}: {text}" for name, text in arguments.items())
    return f"{layer_type.name}: {{{inside}}}"


def source_text(source: object, node: Node | Span) -> str:
    """What is written for a node; an empty text where it is in no text."""
    return source.text[node.start : node.end] if isinstance(source, TextSource) else ""


def instead(origin: Origin, items: Sequence[str], *, name: str = "", certain: bool) -> str | Fix:
    """The help that writes these items for the one of the origin.

    ``name`` names the (one) item, where it has no name yet.
    """
    source, item = origin.source, origin.item
    first = items[0]
    is_whole = not isinstance(item, MapNode) or len(item.entries) == 1
    is_listed = origin.key is None and is_whole
    if len(items) > 1 and not is_listed:
        return _as_container(origin, items, certain)
    if name and is_listed:
        key, colon, value = first.partition(": ")
        first = (
            f"{{name: {value_text(name)}, {key}: {value}}}"
            if colon
            else (f"{{name: {value_text(name)}, {key}: }}")
        )
        return fix(
            f"write `{first}`", (Span(source, item.start, item.end), first), is_certain=certain
        )
    if origin.key is not None and not isinstance(item, MapNode):
        text = f"{{{first}}}" if ": " in first else first
        key = source_text(source, origin.key)
        message = f"write `{key}: {text}`" if key else f"write `{text}`"
        return fix(message, (Span(source, item.start, item.end), text), is_certain=certain)
    span = whole(origin)
    if isinstance(item, MapNode) and ": " not in first and not is_listed:
        first += ":"
    if len(items) == 1:
        return fix(f"write `{first}`", (span, first), is_certain=certain)
    shown = " and ".join(f"`{text}`" for text in items)
    start = item.start
    if not isinstance(source, TextSource):
        return f"write {shown}"
    line = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    if re.fullmatch(r" *(?:- +)+", line):
        between = "\n" + " " * line.rfind("-") + "- "
        return fix(f"write {shown}", (span, between.join(items)), is_certain=certain)
    return fix(f"write {shown}", (span, ", ".join(items)), is_certain=certain)


def _as_container(origin: Origin, items: Sequence[str], certain: bool) -> str | Fix:
    text = f"[{', '.join(items)}]"
    if isinstance(origin.item, MapNode):
        text = f"layers: {text}"
    span = whole(origin)
    return fix(f"write `{text}`", (span, text), is_certain=certain)


def whole(origin: Origin) -> Span:
    """The word that says what an item is, with its arguments."""
    end = origin.word.end
    if origin.arguments is not None and origin.arguments.end > end:
        end = origin.arguments.end
    return Span(origin.source, origin.word.start, end)


def replaced_word(message: str, span: Span, word: str, other: str) -> str | Instead:
    """The help that writes another word in what a span underlines."""
    source = span.source
    if not isinstance(source, TextSource) or span.end - span.start > MOST_LETTERS:
        return message
    text = source.text[span.start : span.end]
    changed = re.sub(rf"(?<![\w.]){re.escape(word)}(?!\w)", other, text)
    return message if changed == text else Instead(message, changed, is_certain=False)


def entries_instead(
    message: str, source: object, span: Span, entries: Sequence[str], *, certain: bool = True
) -> str | Fix:
    """The help that writes several entries of a mapping for the one at the span."""
    if not isinstance(source, TextSource):
        return message
    line = source.text[source.text.rfind("\n", 0, span.start) + 1 : span.start]
    before = line.rstrip()[-1:]
    if not line.strip():  # a mapping in lines
        text = ("\n" + line).join(entries)
    elif before in "{," and _opened_last(line) == "{":
        text = ", ".join(entries)
        if text.endswith(":"):
            text += " "
    else:
        text = f"{{{', '.join(entries)}{' ' if entries[-1].endswith(':') else ''}}}"
    return fix(message, (span, text), is_certain=certain)


def _opened_last(line: str) -> str:
    """The bracket of a line that is still open at its end; an empty text where none is."""
    opened: list[str] = []
    for letter in line:
        if letter in "{[":
            opened.append(letter)
        elif letter in "}]" and opened:
            opened.pop()
    return opened[-1] if opened else ""


def without_entry(message: str, source: object, node: Node | None, name: str) -> str | Fix:
    """The help that removes an entry of a mapping."""
    if not isinstance(source, TextSource) or not isinstance(node, MapNode):
        return message
    entries = node.entries
    at = next((at for at, (key, _) in enumerate(entries) if key.value == name), None)
    if at is None or len(entries) < 2:
        return message
    key, value = entries[at]
    if at + 1 < len(entries):
        span = Span(source, key.start, entries[at + 1][0].start)
    else:
        before_key, before = entries[at - 1]
        end = max(before.end, before_key.end)
        if source.text[end : end + 1] == ":":
            end += 1
        span = Span(source, end, max(value.end, key.end + 1))
    return fix(message, (span, ""))
