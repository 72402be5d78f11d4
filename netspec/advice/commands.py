"""What to write instead on a command line, and for a path that is no file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

from netspec.diagnostics import listed, nearest
from netspec.diagnostics.text import printable

MOST_FILES = 500
MOST_LETTERS = 80  # of a word that is repeated

_SPEC = re.compile(r".*\.ya?ml\Z", re.DOTALL)


def other_command(word: str, commands: Sequence[str]) -> str:
    """The hint for a word that is no command."""
    if _SPEC.match(word) or os.path.isfile(word):
        return f"the command comes first: netspec check {_short(word)}"
    near = nearest(word, commands)
    return f"did you mean {near}?" if near else f"the commands are {listed(commands)}"


def unread(
    words: Sequence[str], rest: Sequence[str], options: Collection[str], command: str
) -> str:
    """The message for arguments that a command does not take, with what to write.

    ``words`` is the whole command line, ``rest`` what of it is not read.
    """
    first = rest[0]
    message = f"{command} takes no {_short(first)}"
    before = words[words.index(first) - 1] if first in words else ""
    if len(words) > 2 and before in words and "--set" in words:
        place = words.index(first)
        if place > 1 and words[place - 2] == "--set" and "=" not in before:
            return f"{message}; write --set {_short(before)}={_short(first)}"
    option, equals, value = first.partition("=")
    if not option.startswith("--"):
        return f"{message}; netspec check takes several specs" if _SPEC.match(first) else message
    near = get_close_matches(option[:MOST_LETTERS], options, n=1, cutoff=0.8)
    if near:
        return f"{message}; did you mean {near[0]}?"
    if "--set" in options and (equals or len(rest) > 1):
        given = value if equals else rest[1]
        return f"{message}; a param is given by --set {_short(option[2:])}={_short(given)}"
    return f"{message}; `netspec {command} --help` lists what it takes"


def pair(text: str) -> str:
    """The hint for a ``--set`` without an ``=`` or a value."""
    match = re.fullmatch(r"([A-Za-z_]\w*)\s*(?:[:=]\s*|\s+)(.*)", text, re.DOTALL)
    if match and match[2]:
        return f"write --set {match[1]}={_short(match[2])}"
    name = text.rstrip("=: ") if text.rstrip("=: ").isidentifier() else "width"
    return f"write for example --set {name}=64"


def other_path(name: str) -> str:
    """The hint for a path that is no file: one of its folder, or the function that reads a text."""
    if "\n" in name:
        return "a text is read by `netspec.loads(text)`"
    folder, base = os.path.split(name)
    try:
        with os.scandir(folder or ".") as entries:
            files = [one.name for one in islice(entries, MOST_FILES) if _SPEC.match(one.name)]
    except (OSError, ValueError):
        return f"there is no folder {printable(_short(folder))}" if folder else ""
    near = _nearest_file(base, sorted(files))
    return f"did you mean {printable(os.path.join(folder, near))}?" if near else ""


def _nearest_file(base: str, files: Iterable[str]) -> str | None:
    # Without their ends, which are alike in any case.
    by_stem = {os.path.splitext(file)[0]: file for file in files}
    near = nearest(os.path.splitext(base)[0], by_stem)
    return None if near is None else by_stem[near]


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."
