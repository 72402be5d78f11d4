"""Text in columns that fits a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column; numbers stand ``right``, and a column that may ``shrink`` gives way."""

    title: str
    right: bool = False
    shrink: bool = False
    least: int = 8


def columns(
    heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None
) -> list[str]:
    """Lines with the titles first. ``width`` None cuts nothing."""
    widths = [
        max([len(head.title), *(len(row[i]) for row in rows)]) for i, head in enumerate(heads)
    ]
    if width is not None:
        over = sum(widths) + 2 * (len(heads) - 1) - width
        for index in sorted(range(len(heads)), key=lambda i: -widths[i]):
            if over > 0 and heads[index].shrink:
                room = max(0, widths[index] - max(heads[index].least, len(heads[index].title)))
                widths[index] -= min(over, room)
                over -= min(over, room)
    lines = []
    for row in ([head.title for head in heads], *rows):
        cells = [
            cut(text, size).rjust(size) if head.right else cut(text, size).ljust(size)
            for text, size, head in zip(row, widths, heads, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def cut(text: str, width: int) -> str:
    """The text, or its beginning with ``...`` where it is longer than ``width``."""
    return text if len(text) <= width else text[: max(width - 3, 0)] + "..."
