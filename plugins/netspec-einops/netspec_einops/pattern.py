"""einops' patterns as values: ``b c (h p) w -> b (h w) (p c)``.

einops has a parser too (``einops.parsing``), but it says no position of what is wrong, and its
import takes longer than a small model's plan. A test holds this one against it, text by text.
https://einops.rocks/api/rearrange/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

ARROW = "->"
ELLIPSIS = "..."
MAX_LENGTH = 1_000  # of a pattern; one of all of a tensor's axes has some hundred letters

#: A number among the axes; it is no identifier, so no named axis is called so.
_NUMBER = re.compile(r"(\d+)#\d+\Z")
_LETTERS = "an axis has a name of letters, digits and `_`, which begins with a letter"
_TOKEN = re.compile(r"\.\.\.|[()]|\w+|.", re.DOTALL)


class PatternError(Exception):
    """A text is no pattern; ``help`` says what to write."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Side(NamedTuple):
    """One side of a pattern: for each size of the tensor the axes that it is made of.

    A size that is 1 is made of none. ``...`` stands for an axis, in a group of its own unless
    ``is_grouped``, where it is in parentheses. A number ``2`` is the axis ``2#7`` (the one at
    character 7), as each is an axis of its own.
    """

    text: str
    groups: tuple[tuple[str, ...], ...]
    is_grouped: bool = False

    @property
    def axes(self) -> tuple[str, ...]:
        """All axes in their order."""
        return tuple([axis for group in self.groups for axis in group])

    @property
    def has_ellipsis(self) -> bool:
        return ELLIPSIS in self.axes

    @property
    def is_flat(self) -> bool:
        """Whether each size is one axis."""
        return not self.is_grouped and all(len(group) == 1 for group in self.groups)

    def with_ellipsis(self, count: int) -> Side:
        """The side with ``count`` axes ``...0``, ``...1`` in the place of the ellipsis."""
        spread = tuple([f"{ELLIPSIS}{number}" for number in range(count)])
        groups: list[tuple[str, ...]] = []
        for group in self.groups:
            if ELLIPSIS not in group:
                groups.append(group)
            elif self.is_grouped:
                at = group.index(ELLIPSIS)
                groups.append((*group[:at], *spread, *group[at + 1 :]))
            else:
                groups += [(axis,) for axis in spread]
        return Side(self.text, tuple(groups))


class Pattern(NamedTuple):
    """What a tensor is, and what becomes of it."""

    left: Side
    right: Side


def number(axis: str) -> int | None:
    """The size of an axis that is a number."""
    found = _NUMBER.match(axis)
    return int(found.group(1)) if found else None


def shown(group: tuple[str, ...]) -> str:
    """A group as it is written: ``c``, ``(h p)``, ``1``."""
    names = [str(number(axis) or axis) for axis in group]
    if not names:
        return "1"
    return names[0] if len(names) == 1 else f"({' '.join(names)})"


def parse_pattern(text: str) -> Pattern:
    """
    Raises:
        PatternError: it has not two sides, or one of them is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise PatternError(f"the pattern has {len(text):,} letters; {MAX_LENGTH:,} are enough")
    sides = text.split(ARROW)
    if len(sides) != 2:
        count = "no" if len(sides) == 1 else f"{len(sides) - 1} times"
        raise PatternError(
            f"the pattern {text!r} has {count} `{ARROW}`",
            f"write what the input is, `{ARROW}`, and what becomes of it: `b c h w -> b (h w) c`",
        )
    return Pattern(parse_side(sides[0], text), parse_side(sides[1], text, len(sides[0]) + 2))


def parse_side(text: str, whole: str | None = None, start: int = 0) -> Side:
    """One side of the pattern ``whole``, in which it begins at ``start``.

    Raises:
        PatternError: a letter or a name is not allowed, parentheses do not match, or an axis comes
            again.
    """
    whole = text if whole is None else whole

    def wrong(message: str, at: int, help: str = "") -> PatternError:
        return PatternError(f"{message}, at character {start + at + 1} of {whole!r}", help)

    groups: list[tuple[str, ...]] = []
    group: list[str] | None = None
    opened = 0
    is_grouped = False
    seen: set[str] = set()
    last = ""
    for match in _TOKEN.finditer(text):
        token, at = match.group(), match.start()
        touches, last = _is_word(last) and _is_word(token), token
        if touches:
            raise wrong("`...` touches a name", at, "put a space between them")
        if token == " ":
            continue
        if token == "(":
            if group is not None:
                raise wrong("a `(` inside parentheses", at, "parentheses have one level")
            group, opened = [], at
        elif token == ")":
            if group is None:
                raise wrong("a `)` without its `(`", at)
            groups.append(tuple(group))
            group = None
        else:
            axis = _axis(token, at, start, wrong)
            if axis in seen:
                raise wrong(f"the axis {token} comes again", at, _again(token))
            if axis is not None:
                seen.add(axis)
                is_grouped = is_grouped or (token == ELLIPSIS and group is not None)
            axes = [] if axis is None else [axis]
            if group is None:
                groups.append(tuple(axes))
            else:
                group += axes
    if group is not None:
        raise wrong("a `(` without its `)`", opened)
    return Side(text, tuple(groups), is_grouped)


def _is_word(token: str) -> bool:
    return token == ELLIPSIS or token[-1:] == "_" or token[-1:].isalnum()


def _axis(token: str, at: int, start: int, wrong: Callable[..., PatternError]) -> str | None:
    """The axis that a word stands for; None for a 1, which is none."""
    if token == ELLIPSIS:
        return token
    if not _is_word(token):
        help = "for any number of axes write `...`" if token in ".…" else _LETTERS
        raise wrong(f"{token!r} is not allowed in a pattern", at, help)
    if token.isdecimal():
        size = int(token)
        if size < 1:
            raise wrong("an axis of size 0", at, "a number in a pattern is 1 or more")
        return None if size == 1 else f"{size}#{start + at}"
    if not token.isidentifier() or "_" in (token[0], token[-1]):
        raise wrong(f"{token!r} is no name of an axis", at, _LETTERS)
    return token


def _again(token: str) -> str:
    return "`...` may stand once on a side" if token == ELLIPSIS else "give each axis its own name"
