"""Patterns over the paths of modules: ``blocks.*.up``, ``blocks.[0-5]``, ``**.norm*``."""

from __future__ import annotations

from fnmatch import fnmatchcase

ANY = "**"


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern is like a whole path.

    Between two dots ``*``, ``?`` and ``[...]`` stand for letters, as in the names of files; ``**``
    stands for any number of names, none too.
    """
    names = path.split(".")
    reached = {0}  # how many names the pattern's parts so far may stand for
    for part in pattern.split("."):
        if part == ANY:
            reached = set(range(min(reached), len(names) + 1)) if reached else reached
        else:
            reached = {
                count + 1
                for count in reached
                if count < len(names) and fnmatchcase(names[count], part)
            }
    return len(names) in reached
