"""A diagnostic as text: a line that editors can follow, then the source line with its span."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from netspec.diagnostics.diagnostic import Diagnostic
from netspec.diagnostics.location import Location

WIDTH = 100  # a longer source line is shown as the part around the span
_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "dim": "\x1b[2m", "help": "\x1b[1;36m"}


def diagnostic_text(diagnostic: Diagnostic, color: bool = False, width: int | None = None) -> str:
    """The diagnostic over several lines, without a newline at the end.

    ``model.yaml:4:5: error: reluu is not a layer [unknown-layer]``, the source line with its
    span underlined, the notes, and what to write instead. ``width`` is the terminal's, so that a
    source line and its underline stay together.
    """

    def paint(text: str, style: str) -> str:
        return f"{_COLORS[style]}{text}\x1b[0m" if color else text

    location = diagnostic.location
    severity = paint(f"{diagnostic.severity}:", diagnostic.severity)
    lines = [
        f"{printable(str(location))}: {severity} {printable(diagnostic.message)}"
        f" {paint(f'[{diagnostic.code}]', 'dim')}"
    ]
    room = WIDTH if width is None else max(20, min(WIDTH, width - len("12345 | ")))
    lines += _excerpt(location, room, lambda text: paint(text, diagnostic.severity))
    for note in diagnostic.notes:
        place = f" ({printable(str(note.location))})" if note.location else ""
        lines.append(f"   = note: {printable(note.message)}{place}")
    lines += [f"   = {paint('help:', 'help')} {printable(text)}" for text in diagnostic.help]
    return "\n".join(lines)


def _excerpt(location: Location, room: int, paint: Callable[[str], str]) -> list[str]:
    if location.line is None or location.column is None or not location.source_line:
        return []
    text = location.source_line
    start = min(location.column - 1, len(text))
    same_line = location.end_line == location.line and location.end_column is not None
    end = location.end_column - 1 if same_line and location.end_column else len(text.rstrip())
    end = max(min(end, len(text)), start + 1)
    text, start, end = _window(text, start, end, room)
    number = f"{location.line:5}"
    margin = " " * display_width(text[:start])
    marks = paint("^" * max(display_width(text[start:end]), 1))
    return [f"{number} | {printable(text)}", f"      | {margin}{marks}"]


def _window(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The part of a long line around its span, so that a line of megabytes stays readable."""
    text = text.replace("\t", " ")
    if len(text) <= room and display_width(text) <= room:
        return text, start, end
    room -= len("... ") + len(" ...")
    first = last = start
    used = 0

    def fits(index: int, columns: int) -> bool:
        nonlocal used
        # Letters of no width have a limit too.
        if not 0 <= index < len(text) or last - first >= 4 * room:
            return False
        width = _letter_width(text[index])
        if used + width > columns:
            return False
        used += width
        return True

    # The span, a quarter of the room before it, what fits after it, and then the rest before it.
    while last < end and fits(last, room - min(start, room // 4)):
        last += 1
    before_span = min(room, used + room // 4)
    while fits(first - 1, before_span):
        first -= 1
    while fits(last, room):
        last += 1
    while fits(first - 1, room):
        first -= 1
    before = "... " if first else ""
    after = " ..." if last < len(text) else ""
    shift = len(before) - first
    return before + text[first:last] + after, start + shift, min(end, last) + shift


def display_width(text: str) -> int:
    """How many terminal columns a text takes: wide East Asian letters take two."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me"):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 2
    return len(printable(letter))


def printable(text: str) -> str:
    """The text with control characters escaped, so that a spec cannot write to the terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
