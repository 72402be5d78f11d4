"""A help as data: the edits that mend a finding, and a function that applies them to a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from netspec.diagnostics.location import Location, Span


class Edit(NamedTuple):
    """A replacement: ``text`` for what a file has at ``location``, whose end is exclusive."""

    location: Location
    text: str


class Fix(NamedTuple):
    """A way to mend a finding. ``message`` is the help that is printed for it.

    The edits belong together and do not overlap. ``is_certain`` is False where they hold a value
    that is an example (``kernel_size: 3``), or where the author may have meant something else.
    """

    message: str
    edits: tuple[Edit, ...]
    is_certain: bool = True


class Instead(NamedTuple):
    """A Fix whose one edit is at the finding itself: ``text`` for what is underlined."""

    message: str
    text: str
    is_certain: bool = True


def fix(message: str, *edits: tuple[Span, str], is_certain: bool = True) -> str | Fix:
    """A Fix of these replacements; the bare message where a span is in no text."""
    located = tuple(Edit(span.locate(), text) for span, text in edits)
    if any(edit.location.line is None for edit in located):
        return message
    return Fix(message, located, is_certain)


def apply_fixes(text: str, fixes: Iterable[Fix]) -> str:
    """The text with the edits of the fixes; a fix that overlaps an earlier one is left out."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + column - 1

    def place(edit: Edit) -> tuple[int, int]:
        _, line, column, end_line, end_column, *_ = edit.location
        assert line is not None and column is not None  # noqa: PT018 - `fix` makes no other
        return offset(line, column), offset(end_line or line, end_column or column)

    chosen: dict[tuple[int, int], str] = {}
    for one in fixes:
        places = {place(edit): edit.text for edit in one.edits}
        if not any(_overlap(new, old) for new in places for old in chosen):
            chosen |= places
    for (begin, end), new in sorted(chosen.items(), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one == other or (one[0] < other[1] and other[0] < one[1])
