"""Python values (what ``json.load`` gives, a builder's arguments) as nodes."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from netspec.diagnostics import Diagnostics, Location, Source, Span
from netspec.source.limits import MAX_DEPTH, MAX_NODES
from netspec.source.nodes import ListNode, MapNode, Node, ScalarNode, shortened
from netspec.source.scalars import TooManyDigits, require_few_digits

_SURROGATE = re.compile("[\ud800-\udfff]")


#: A key or an index, which leads from a value to one in it; None is the outermost value.
Step = str | int | None
OUTERMOST = -1


class ValueSource:
    """Python values that specs are written in; a mark is a number in the table of places.

    A place is the mark around it and the step to it. Paths are written for messages only, as one
    long key may hold 100,000 items.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: list[tuple[int, Step]] = []

    def mark(self, around: int, step: Step) -> int:
        self.places.append((around, step))
        return len(self.places) - 1

    def locate(self, start: int, end: int) -> Location:
        steps: list[Step] = []
        while start != OUTERMOST:
            start, step = self.places[start]
            steps.append(step)
        path = ""
        for step in reversed(steps):
            if isinstance(step, int):
                path += f"[{step}]"
            elif step is not None:
                path += f"{'.' if path else ''}{shortened(step, 100)}"
        return Location(self.name, path=path)


def read_value(value: object, name: str, found: Diagnostics) -> tuple[ValueSource, Node | None]:
    """The nodes of a tree of dicts, lists and scalars; None when ``found`` got an error."""
    source = ValueSource(name)
    reader = ValueReader(source, found)
    node = reader.node(value)
    return source, None if found.failed else node


class Marks(Source, Protocol):
    """A source that numbers the places of values."""

    def mark(self, around: int, step: Step) -> int: ...


class ValueReader:
    """Reads values of one source; what cannot stand in a spec is reported."""

    def __init__(self, source: Marks, found: Diagnostics) -> None:
        self.source = source
        self.found = found
        self.nodes = 0

    def node(
        self, value: object, around: int = OUTERMOST, step: Step = None, depth: int = 0
    ) -> Node:
        """One value; the depth is bounded, so that a dict which holds itself ends too."""
        mark = self.source.mark(around, step)
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            if not self.found.failed:
                limit = f"{MAX_DEPTH} levels deep" if depth > MAX_DEPTH else f"{MAX_NODES:,} values"
                code = "too-deep" if depth > MAX_DEPTH else "too-large"
                self.found.error(code, f"more than {limit}", Span(self.source, mark, mark))
            return ScalarNode(None, mark, mark)
        if value is None:
            return ScalarNode(None, mark, mark)
        value = plain_scalar(value)
        # Subclasses (numpy's float64, an IntEnum) become the plain value that they stand for.
        if isinstance(value, str):
            return ScalarNode(self.text(str.__str__(value), mark), mark, mark)
        if isinstance(value, bool):
            return ScalarNode(bool(value), mark, mark)
        if isinstance(value, int):
            return ScalarNode(self.number(int(value), mark), mark, mark)
        if isinstance(value, float):
            return ScalarNode(float(value), mark, mark)
        if isinstance(value, Mapping):
            return MapNode(tuple(self.entries(value, mark, depth)), mark, mark)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return ListNode(tuple(self.items(value, mark, depth)), mark, mark)
        self.found.error(
            "bad-value",
            f"a {type(value).__name__} cannot stand in a spec",
            Span(self.source, mark, mark),
            help=["give None, a bool, a number, a string, a list or a dict"],
        )
        return ScalarNode(None, mark, mark)

    def items(self, value: Sequence[object], around: int, depth: int) -> Iterator[Node]:
        """The items, up to the limit: a sequence may have no end."""
        for index, item in enumerate(value):
            yield self.node(item, around, index, depth + 1)
            if self.nodes > MAX_NODES:
                return

    def entries(
        self, value: Mapping[object, object], around: int, depth: int
    ) -> Iterator[tuple[ScalarNode, Node]]:
        for key, item in value.items():
            word = str.__str__(key) if isinstance(key, str) else f"<{type(key).__name__}>"
            mark = self.source.mark(around, word)
            if not isinstance(key, str):
                self.found.error(
                    "bad-key",
                    f"a key must be a string, not {_shown(key)}",
                    Span(self.source, mark, mark),
                )
            inside = self.node(item, around, word, depth + 1)
            yield ScalarNode(self.text(word, mark), mark, mark), inside
            if self.nodes > MAX_NODES:
                return

    def text(self, text: str, mark: int) -> str:
        """A text that can be written to a file."""
        surrogate = _SURROGATE.search(text)
        if surrogate is None:
            return text
        self.found.error(
            "bad-character",
            f"the character U+{ord(surrogate.group()):04X} is half a letter: no text can hold it",
            Span(self.source, mark, mark),
        )
        return ""

    def number(self, number: int, mark: int) -> int:
        try:
            return require_few_digits(number)
        except TooManyDigits as problem:
            self.found.error(
                "number-too-long",
                f"{problem}: no size or value needs so many",
                Span(self.source, mark, mark),
            )
            return 1


def plain_scalar(value: object) -> object:
    """The number, bool or text that a scalar of numpy or torch stands for, else the value itself.

    What may be an index (``__index__``) is a whole number.
    """
    if isinstance(value, str | int | float):
        return value
    try:
        if getattr(value, "ndim", None) == 0:  # an array or a tensor of one value, too
            return value.item()  # type: ignore[attr-defined]
        return operator.index(value)  # type: ignore[arg-type]
    except Exception:  # it is none, or on the meta device: what it is is reported elsewhere
        return value


def _shown(key: object) -> str:
    """A key in a message: Python does not show every number."""
    try:
        return shortened(repr(key), 200)
    except ValueError:
        return f"a {type(key).__name__}"
