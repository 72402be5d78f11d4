"""A text that specs are written in; finds line and column of a character."""

from __future__ import annotations

import re
from bisect import bisect_right

from netspec.diagnostics import Location


class TextSource:
    """A text and the name that messages give it (a file's path, ``<text>``)."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self._line_starts: list[int] | None = None
        self._lines: dict[int, str] = {}  # those that messages show: one may have 4 MiB

    def locate(self, start: int, end: int) -> Location:
        """The place of the characters from ``start`` to ``end`` (exclusive)."""
        line, column = self._position(start)
        end_line, end_column = self._position(max(start, end))
        return Location(
            self.name, line + 1, column + 1, end_line + 1, end_column + 1, self._line(line)
        )

    def _starts(self) -> list[int]:
        # Found at the first message only: a correct spec never pays for it.
        if self._line_starts is None:
            breaks = re.finditer(r"\r\n|\n|\r", self.text)
            self._line_starts = [0, *(match.end() for match in breaks)]
        return self._line_starts

    def _position(self, offset: int) -> tuple[int, int]:
        starts = self._starts()
        offset = min(offset, len(self.text))
        line = bisect_right(starts, offset) - 1
        return line, offset - starts[line]

    def _line(self, line: int) -> str:
        known = self._lines.get(line)
        if known is None:
            starts = self._starts()
            end = starts[line + 1] if line + 1 < len(starts) else len(self.text)
            known = self._lines[line] = self.text[starts[line] : end].rstrip("\r\n")
        return known
