"""Suggestions for mistyped words, and lists in running text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from netspec.diagnostics.fix import Instead

LONGEST = 100  # letters of a word that are looked at
#: What other programs call the things that have words here.
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "activation_checkpointing": ("checkpoint",),
    "architecture": ("layers",),
    "axis": ("dim",),
    "backbone": ("layers",),
    "body": ("layers",),
    "branch": ("branches",),
    "config": ("params",),
    "constants": ("params",),
    "ddp": ("data_parallel",),
    "do": ("layers",),
    "dp": ("data_parallel",),
    "double": ("float64",),
    "float": ("float32",),
    "for": ("as",),
    "half": ("float16",),
    "identity": ("shortcut",),
    "imports": ("requires",),
    "input_dim": ("input",),
    "input_shape": ("input",),
    "input_size": ("input",),
    "int": ("int32",),
    "items": ("in",),
    "long": ("int64",),
    "main": ("body",),
    "model": ("layers",),
    "modules": ("layers",),
    "net": ("layers",),
    "network": ("layers",),
    "over": ("in",),
    "pp": ("pipeline",),
    "sequential": ("layers",),
    "shape": ("input",),
    "size": ("shape",),
    "skip": ("shortcut",),
    "title": ("name",),
    "tp": ("tensor_parallel",),
    "values": ("in",),
    "variables": ("params",),
    "vars": ("params",),
    "version": ("netspec",),
    "x": ("input",),
    "zero": ("fsdp",),
    "zero3": ("fsdp",),
}

MOST = 100_000  # pairs of letters that are compared for one word: 20 ms


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` most likely stands for, or None when none is near."""
    from difflib import get_close_matches

    known = list(known)
    for other in OTHER_WORDS.get(word.lower(), ()):
        if other in known:
            return other
    # Lower case on both sides: `ReLu` is near `relu`, whatever its capitals.
    by_lower = {name.lower()[:LONGEST]: name for name in known}
    word = word.lower()[:LONGEST]
    compared = sum(map(len, by_lower)) * len(word)
    if compared > MOST:
        alike = [name for name in by_lower if name[:1] == word[:1] and name[-1:] == word[-1:]]
        by_lower = {name: by_lower[name] for name in _first(alike, MOST // len(word))}
    found = get_close_matches(word, by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def _first(words: Iterable[str], letters: int) -> Iterable[str]:
    """The first words, as many as have so many letters together."""
    for word in words:
        letters -= len(word)
        if letters < 0:
            return
        yield word


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean relu?``, or an empty text when nothing is near."""
    found = nearest(word, known)
    return f"did you mean {found}?" if found else ""


def suggestion(
    word: str,
    known: Iterable[str],
    otherwise: str | Callable[[], str] = "",
    edit: str | None = "{}",
) -> Callable[[], str | Instead]:
    """A help that is looked for when it is shown: the nearest word, or ``otherwise``.

    ``edit`` is what to write for the text that the finding underlines, with ``{}`` for the word;
    None where the word is written elsewhere.

    A finding that is repeated is dropped, and what it would advise is then never looked for.
    """
    return partial(_suggested, word, known, otherwise, edit)


def _suggested(
    word: str, known: Iterable[str], otherwise: str | Callable[[], str], edit: str | None
) -> str | Instead:
    found = nearest(word, known)
    if found is not None:
        message = f"did you mean {found}?"
        if edit is None:
            return message
        return Instead(message, edit.replace("{}", found), is_certain=False)
    return otherwise if isinstance(otherwise, str) else otherwise()


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def ring(names: Sequence[str]) -> list[str]:
    """The names of a ring for a message: of a long one, those at both ends."""
    return [*names] if len(names) <= 9 else [*names[:4], "...", *names[-4:]]
