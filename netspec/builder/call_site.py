"""The line of Python that calls the builder, as the place of a diagnostic."""

from __future__ import annotations

import linecache
from itertools import islice
from types import CodeType, FrameType

from netspec.diagnostics import Location
from netspec.diagnostics.location import Place


class CallSite:
    """A source whose nodes all lie in one call: ``net.linear(512, bia=True)``.

    The columns are found when a message is written; until then it is a pair of the code and the
    instruction in it.
    """

    def __init__(self, frame: FrameType, method: str) -> None:
        self._code: CodeType = frame.f_code
        self._instruction = frame.f_lasti
        self._line = frame.f_lineno
        self._method = method

    def mark(self, around: int, step: str | int | None) -> int:
        """Every part of the call lies at the call."""
        return 0

    def locate(self, start: int, end: int) -> Location:
        file = self._code.co_filename
        text = linecache.getline(file, self._line).rstrip("\r\n")
        if not text:
            return Location(file, self._line, 1)
        begin = max(text.find(f"{self._method}("), 0)
        end_column = len(text.rstrip()) + 1
        positions = next(islice(self._code.co_positions(), self._instruction // 2, None), None)
        if positions and positions[1] == self._line and positions[3] is not None:
            # Python counts columns in bytes.
            end_column = len(text.encode()[: positions[3]].decode(errors="replace")) + 1
            before = text[: end_column - 1]
            begin = max(before.rfind(f"{self._method}("), 0)
        return Location(file, self._line, begin + 1, self._line, end_column, text)

    def __reduce__(self) -> tuple[type[Place], tuple[Location]]:
        """The code of the call is left behind: what remains is where it is."""
        return Place, (self.locate(0, 0),)
