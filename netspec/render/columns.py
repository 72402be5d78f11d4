"""Text in columns that fits a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from netspec.diagnostics.text import display_width, printable

NARROWEST = 8  # no column becomes narrower than this, however narrow the terminal is


def cut(text: str, width: int) -> str:
    """The text, or its beginning with ``...`` where it is wider than ``width``."""
    if display_width(text) <= width:
        return text
    kept = text[: max(width - 3, 0)]
    while kept and display_width(kept) > width - 3:
        kept = kept[:-1]
    return kept + "..."


def wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    """Lines of at most ``width`` columns, those after the first indented; words stay whole."""
    if width is None or len(text) <= width:
        return [text]
    return textwrap.wrap(
        text,
        max(width, 20),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    One with a ``least`` width may be cut down to it, by ``cut``; where several may, the first
    gives way first. One that is ``optional`` is left out where the others would have to be cut
    below their least width: a number is never cut.
    """

    title: str
    right: bool = False
    least: int | None = None
    optional: bool = False
    cut: Callable[[str, int], str] = cut
    order: int = 0


def columns(
    heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None
) -> list[str]:
    """Lines with the titles first. ``width`` None cuts nothing."""
    rows = [[printable(text) for text in row] for row in rows]
    widths = [
        max([len(head.title), *(display_width(row[i]) for row in rows)])
        for i, head in enumerate(heads)
    ]
    shown = list(range(len(heads)))
    if width is not None:
        shown = _fit(heads, widths, width)
    lines = []
    for row in ([head.title for head in heads], *rows):
        cells = [_cell(heads[i], row[i], widths[i]) for i in shown]
        lines.append("  ".join(cells).rstrip())
    return lines


def _fit(heads: Sequence[Column], widths: list[int], width: int) -> list[int]:
    """Narrows ``widths`` to fit into ``width``; gives the columns that are shown."""
    shown = list(range(len(heads)))

    def over(sizes: Sequence[int]) -> int:
        return sum(sizes[i] for i in shown) + 2 * (len(shown) - 1) - width

    least = [
        size if head.least is None else min(size, max(head.least, len(head.title)))
        for head, size in zip(heads, widths, strict=True)
    ]
    if over(least) > 0:
        shown = [i for i in shown if not heads[i].optional]
    may_shrink = [i for i in shown if heads[i].least is not None]
    may_shrink.sort(key=lambda i: heads[i].order)
    for limit in (least, [min(size, NARROWEST) for size in widths]):
        for i in may_shrink:
            widths[i] -= max(0, min(over(widths), widths[i] - limit[i]))
    return shown


def _cell(head: Column, text: str, width: int) -> str:
    text = head.cut(text, width)
    space = " " * (width - display_width(text))
    return space + text if head.right else text + space


def filled(
    heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int, whole: bool = False
) -> list[str]:
    """Lines of at most ``width`` columns; a cell that is too long goes on in the next line.

    Numbers, which are to the right, stay in one line. The first column has what the others leave.

    Args:
        whole: gives no lines where an argument, or a shape, would have to be cut.
    """
    rows = [[printable(text) for text in row] for row in rows]
    natural = [
        max([len(head.title), *(display_width(row[i]) for row in rows)])
        for i, head in enumerate(heads)
    ]
    room = width - 2 * (len(heads) - 1)
    texts = [i for i, head in enumerate(heads) if not head.right and i > 0]
    numbers = sum(natural[i] for i, head in enumerate(heads) if head.right)
    widths = list(natural)
    longest = max([NARROWEST, *(_longest(row[0]) for row in rows)])
    for i in texts:
        share = max((room - numbers) * 9 // 16, room - numbers - natural[0])
        widths[i] = min(natural[i], max(min(share, room - numbers - longest), NARROWEST))
    widths[0] = max(NARROWEST, room - numbers - sum(widths[i] for i in texts))
    if whole and (longest > widths[0] or any(widths[i] < natural[i] for i in texts)):
        return []
    lines = []
    for row in ([head.title for head in heads], *rows):
        cells = [
            [text] if head.right else broken(text, most)
            for head, text, most in zip(heads, row, widths, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = [_cell(*one) for one in zip(heads, parts, widths, strict=True)]
            lines.append("  ".join(padded).rstrip())
    return lines


def broken(text: str, width: int) -> list[str]:
    """A cell in lines, cut between arguments, or sizes, where that is possible.

    The lines after the first are indented by two columns more.
    """
    if display_width(text) <= width:
        return [text]
    indent = " " * min(_margin(text) + 2, width // 2)
    lines = [""]
    for part in _parts(text, width - len(indent)):
        longer = f"{lines[-1]} {part}" if lines[-1].strip() else lines[-1] + part
        if display_width(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1].strip():
            lines.append(indent + part)
        else:
            lines[-1] += part
        while display_width(lines[-1]) > width:
            end = len(lines[-1])
            while end > len(indent) + 1 and display_width(lines[-1][:end]) > width:
                end -= 1
            lines[-1:] = [lines[-1][:end], indent + lines[-1][end:]]
    return lines


def _margin(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _parts(text: str, room: int) -> list[str]:
    """Arguments and sizes; a list that does not fit into a line is cut between its items."""
    parts: list[str] = []
    for part in re.split(r"(?<=[,:]) (?![^\[]*\])", text):
        parts += [part] if display_width(part) <= room else re.split(r"(?<=,) ", part)
    return parts


def _longest(text: str) -> int:
    """The width that `broken` needs to cut nothing within an argument."""
    first, *others = _parts(text, 0)
    margin = _margin(text) + 2
    return max([display_width(first), *(margin + display_width(part) for part in others)])
