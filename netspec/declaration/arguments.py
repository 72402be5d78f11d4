"""What an argument may be, read from its type hint.

``int``, ``float``, ``bool``, ``str``, ``None``, ``Literal[...]``, ``tuple[int, int]``,
``tuple[int, ...]``, unions of them, and ``Annotated[..., Range(1)]`` for the numbers inside.

The values here are named tuples, not dataclasses: making a dataclass takes eight times as long,
and every command line would wait for it.
"""

from __future__ import annotations

import math
import types
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from netspec.diagnostics import listed
from netspec.spec import Value

MOST = 2**63 - 1  # torch's sizes and steps are int64


class Range(NamedTuple):
    """Limits of a number; None is no limit."""

    least: float | None = None
    most: float | None = None


ANY_NUMBER = Range()


class Whole(NamedTuple):
    """A whole number."""

    least: int | None = None
    most: int = MOST

    def accepts(self, value: Value) -> bool:
        least = -MOST if self.least is None else self.least
        return type(value) is int and least <= value <= self.most

    def describe(self) -> str:
        if self.most != MOST:
            return f"a whole number from {self.least} to {self.most}"
        return "a whole number" if self.least is None else f"a whole number >= {self.least}"


class Real(NamedTuple):
    """Any number; a whole one stands for itself."""

    least: float | None = None
    most: float | None = None

    def accepts(self, value: Value) -> bool:
        if type(value) is not float and type(value) is not int:
            return False
        if type(value) is int and not -MOST <= value <= MOST:
            return False  # torch takes 1e21, but no whole number beyond int64
        above = self.least is None or value >= self.least
        return value == value and above and (self.most is None or value <= self.most)

    def describe(self) -> str:
        if self.least is not None and self.most is not None:
            return f"a number from {self.least:g} to {self.most:g}"
        return "a number" if self.least is None else f"a number >= {self.least:g}"


class Choice(NamedTuple):
    """One of a few values: words, ``true`` and ``false``, or nothing."""

    values: tuple[bool | str | None, ...]

    def accepts(self, value: Value) -> bool:
        return any(type(value) is type(known) and value == known for known in self.values)

    def describe(self) -> str:
        return listed([spelled(value) for value in self.values], "or")


class Text(NamedTuple):
    """Any text."""

    def accepts(self, value: Value) -> bool:
        return type(value) is str

    def describe(self) -> str:
        return "a text"


class Tuple(NamedTuple):
    """A list: of exactly ``length`` values, or of any number of them."""

    item: Kind
    length: int | None

    def accepts(self, value: Value) -> bool:
        if not isinstance(value, tuple) or (self.length not in (None, len(value))):
            return False
        return all(self.item.accepts(item) for item in value)

    def describe(self) -> str:
        number = "" if self.length is None else f"{self.length} "
        item = self.item.describe()
        if isinstance(self.item, Whole | Real):
            return f"a list of {number}{item.removeprefix('a ').replace('number', 'numbers')}"
        return f"a list of {number or 'values'}".rstrip() + f", each {item}"


class OneOf(NamedTuple):
    """Any of several kinds."""

    kinds: tuple[Kind, ...]

    def accepts(self, value: Value) -> bool:
        return any(kind.accepts(value) for kind in self.kinds)

    def describe(self) -> str:
        first, *rest = self.kinds
        words = [first.describe()]
        for kind in rest:
            if isinstance(kind, Choice):
                words += [spelled(value) for value in kind.values]
            elif isinstance(kind, Tuple) and kind.item == first:
                words.append(
                    "a list of them" if kind.length is None else f"a list of {kind.length}"
                )
            else:
                words.append(kind.describe())
        return listed(words, "or")


Kind = Whole | Real | Choice | Text | Tuple | OneOf


class Argument(NamedTuple):
    """An argument of a layer, named as in torch.

    ``required`` is one that must be written; ``inferred`` says in words what it follows from.
    ``was`` are former names, which specs may still write, and ``deprecated`` is the reason not to
    write the argument at all.
    """

    name: str
    kind: Kind
    default: Value
    required: bool
    inferred: str | None = None
    was: tuple[str, ...] = ()
    deprecated: str = ""

    def describe(self) -> str:
        return self.kind.describe()


def kind_of(hint: Any, limits: Range = ANY_NUMBER) -> Kind:
    """The kind that a type hint stands for.

    Raises:
        TypeError: the hint is none of those that this module's docstring lists.
    """
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *notes = get_args(hint)
        return kind_of(inner, next((n for n in notes if isinstance(n, Range)), limits))
    if origin is Union or origin is types.UnionType:
        return _one_of(tuple(kind_of(option, limits) for option in get_args(hint)))
    if origin is Literal:
        return Choice(get_args(hint))
    if origin is tuple:
        items = get_args(hint)
        length = None if items[-1] is Ellipsis else len(items)
        return Tuple(kind_of(items[0], limits), length)
    if hint is bool:
        return Choice((True, False))
    if hint is None or hint is type(None):
        return Choice((None,))
    if hint is int:
        least = None if limits.least is None else int(limits.least)
        return Whole(least, MOST if limits.most is None else int(limits.most))
    if hint is float:
        return Real(limits.least, limits.most)
    if hint is str:
        return Text()
    raise TypeError(f"no argument of a layer can have the type {hint!r}")


def _one_of(kinds: tuple[Kind, ...]) -> Kind:
    kinds = tuple(
        [k for kind in kinds for k in (kind.kinds if isinstance(kind, OneOf) else (kind,))]
    )
    choices = [value for kind in kinds if isinstance(kind, Choice) for value in kind.values]
    others: list[Kind] = [kind for kind in kinds if not isinstance(kind, Choice)]
    if choices:
        others.append(Choice(tuple(choices)))
    return others[0] if len(others) == 1 else OneOf(tuple(others))


def spelled(value: Value) -> str:
    """A value as it is written in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return f"[{', '.join(spelled(item) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return str(value)
