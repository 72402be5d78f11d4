"""Text in columns that fits a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
