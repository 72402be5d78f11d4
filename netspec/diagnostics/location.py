"""Where something was written: in a text, in a Python value, or at a builder's call."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Location(NamedTuple):
    """A place that a person can go to.

    ``line`` and ``column`` count from 1; the end is exclusive. They are None where there is no
    text (a dict given to ``from_dict``); ``path`` then says the place (``layers[2].linear``).
    """

    file: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    source_line: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.file}:{self.line}:{self.column}"
        return f"{self.file}:{self.path}" if self.path else self.file


class Source(Protocol):
    """Something that specs are written in, able to turn a node's marks into a place."""

    def locate(self, start: int, end: int) -> Location: ...


class Place(NamedTuple):
    """A source of which one place is known, whatever the marks are."""

    location: Location

    def locate(self, start: int, end: int) -> Location:
        return self.location


class Span(NamedTuple):
    """A part of a source; the marks' meaning is the source's own."""

    source: Source
    start: int
    end: int

    def locate(self) -> Location:
        return self.source.locate(self.start, self.end)
