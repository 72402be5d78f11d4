"""Which names of a file fill which keys of a model, by the names alone."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from netspec.diagnostics.nearest import did_you_mean
from netspec.patterns import matches
from netspec.source.nodes import shortened
from netspec.weights.argument import MAX_KEY, Weights


class Match(NamedTuple):
    """``taken`` are the names in the file by the names that they are renamed to.

    ``fresh`` are the keys of the model that the file need not fill. ``left`` are the names of the
    file that the argument leaves there. ``problems`` are mistakes in the argument, with help.
    """

    taken: dict[str, str]
    fresh: frozenset[str]
    left: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]


def match(weights: Weights, names: Iterable[str], keys: Collection[str]) -> Match:
    """Apply ``rename``, ``only`` and ``fresh`` to the names of a file and the keys of a model."""
    problems: list[tuple[str, str]] = []
    renamed = _renamed(weights, names, problems)
    wanted = _matching(weights.only, renamed, "only", "name of the file", problems)
    fresh = _matching(weights.fresh, keys, "fresh", "parameter of the model", problems)
    # A name that is fresh in the model stays in the file: the head of another task.
    refused = [name for name in renamed if is_like(name, weights.fresh)] if weights.fresh else []
    taken = {
        name: old
        for name, old in renamed.items()
        if (not weights.only or name in wanted) and name not in set(refused)
    }
    left = tuple([old for name, old in renamed.items() if name not in taken])
    return Match(taken, fresh, left, tuple(problems))


def is_like(name: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern matches a name, or a module around it, as ``head`` and ``head.*`` do."""
    return any(matches(f"{pattern}.**", name) for pattern in patterns)


def patterns_of(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The fewest patterns that match all names and none of the others."""
    around = {part for name in others for part in _around(name)}
    found: dict[str, None] = {}
    for name in names:
        module = next((part for part in _around(name)[:-1] if part not in around), None)
        found[f"{glob.escape(module)}.*" if module is not None else glob.escape(name)] = None
    return tuple(found)


def renamed(name: str, rename: Iterable[tuple[str, str]]) -> str:
    for pattern, replacement in rename:
        name = re.sub(pattern, replacement, name)
    return name


def _renamed(
    weights: Weights, names: Iterable[str], problems: list[tuple[str, str]]
) -> dict[str, str]:
    """The names of the file by the names that they are renamed to."""
    found = {name: name for name in names}
    for pattern, replacement in weights.rename:
        read = re.compile(pattern)
        changed: dict[str, str] = {}
        is_used = False
        for name, old in found.items():
            new = _replaced(read, replacement, name)
            if new is None:
                message = f"`rename` makes a name of more than {MAX_KEY:,} letters of "
                problems.append((message + shortened(old, 80), ""))
                return found
            is_used = is_used or new != name
            if new in changed:
                problems.append(
                    (
                        f"`rename` makes one name of {shortened(changed[new], 80)} and "
                        f"{shortened(old, 80)}: {shortened(new, 80)}",
                        "",
                    )
                )
            changed[new] = old
        if not is_used:
            message = f"`rename` has {shortened(pattern)!r}, which changes no name of the file"
            problems.append((message, f"its first name is {shortened(next(iter(found), ''), 80)}"))
        found = changed
    return found


def _replaced(pattern: re.Pattern[str], replacement: str, name: str) -> str | None:
    """The new name; None for one that is too long, as several that double it fill the memory."""
    length = 0

    def expanded(found: re.Match[str]) -> str:
        nonlocal length
        text = found.expand(replacement) if length <= MAX_KEY else ""
        length += len(text)
        return text

    new = pattern.sub(expanded, name)
    return new if max(length, len(new)) <= MAX_KEY else None


def _matching(
    patterns: Iterable[str],
    names: Collection[str],
    word: str,
    what: str,
    problems: list[tuple[str, str]],
) -> frozenset[str]:
    """The names that a pattern matches."""
    found: set[str] = set()
    for pattern in patterns:
        alike = [name for name in names if is_like(name, (pattern,))]
        found.update(alike)
        if not alike:
            modules = {part for name in names for part in _around(name)[:-1]}
            help = did_you_mean(pattern.removesuffix(".*"), modules)
            message = f"`{word}` has {shortened(pattern)!r}, which matches no {what}"
            problems.append((message, help))
    return frozenset(found)


def _around(name: str) -> list[str]:
    """The modules around a name from the outermost, and the name itself."""
    return [*(name[: dot.start()] for dot in re.finditer(r"\.", name)), name]
