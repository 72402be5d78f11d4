"""Python values (what ``json.load`` gives, a builder's arguments) as nodes."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from netspec.diagnostics import Diagnostics, Location, Source, Span
from netspec.source.limits import MAX_DEPTH, MAX_NODES
from netspec.source.nodes import ListNode, MapNode, Node, ScalarNode, shortened
from netspec.source.scalars import TooManyDigits, require_few_digits

_SURROGATE = re.compile("[\ud800-\udfff]")


class ValueSource:
    """Python values that specs are written in; a mark is a number in the table of paths."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.paths: list[str] = []

    def mark(self, path: str) -> int:
        self.paths.append(path)
        return len(self.paths) - 1

    def locate(self, start: int, end: int) -> Location:
        return Location(self.name, path=self.paths[start])


def read_value(value: object, name: str, found: Diagnostics) -> tuple[ValueSource, Node | None]:
    """The nodes of a tree of dicts, lists and scalars; None when ``found`` got an error."""
    source = ValueSource(name)
    reader = ValueReader(source, found)
    node = reader.node(value, "", 0)
    return source, None if found.failed else node


class Marks(Source, Protocol):
    """A source that numbers the places of values."""

    def mark(self, path: str) -> int: ...


class ValueReader:
    """Reads values of one source; what cannot stand in a spec is reported."""

    def __init__(self, source: Marks, found: Diagnostics) -> None:
        self.source = source
        self.found = found
        self.nodes = 0

    def node(self, value: object, path: str, depth: int) -> Node:
        """One value; the depth is bounded, so that a dict which holds itself ends too."""
        mark = self.source.mark(path)
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
            return MapNode(tuple(self.entries(value, path, depth)), mark, mark)
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return ListNode(
                tuple(self.node(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)),
                mark,
                mark,
            )
        self.found.error(
            "bad-value",
            f"a {type(value).__name__} cannot stand in a spec",
            Span(self.source, mark, mark),
            help=["give None, a bool, a number, a string, a list or a dict"],
        )
        return ScalarNode(None, mark, mark)

    def entries(
        self, value: Mapping[object, object], path: str, depth: int
    ) -> list[tuple[ScalarNode, Node]]:
        entries = []
        for key, item in value.items():
            word = str.__str__(key) if isinstance(key, str) else f"<{type(key).__name__}>"
            inside = f"{path}.{word}" if path else word
            mark = self.source.mark(inside)
            if not isinstance(key, str):
                self.found.error(
                    "bad-key",
                    f"a key must be a string, not {_shown(key)}",
                    Span(self.source, mark, mark),
                )
            word = self.text(word, mark)
            entries.append((ScalarNode(word, mark, mark), self.node(item, inside, depth + 1)))
        return entries

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
