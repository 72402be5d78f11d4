"""Suggestions for mistyped words, and lists in running text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST = 500  # words that are compared letter by letter


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` most likely stands for, or None when none is near."""
    from difflib import get_close_matches

    # Lower case on both sides: `ReLu` is near `relu`, whatever its capitals.
    by_lower = {name.lower(): name for name in known}
    word = word.lower()[:100]
    if len(by_lower) > MOST:
        alike = [name for name in by_lower if name[:1] == word[:1] and name[-1:] == word[-1:]]
        by_lower = {name: by_lower[name] for name in alike[:MOST]}
    found = get_close_matches(word, by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean relu?``, or an empty text when nothing is near."""
    found = nearest(word, known)
    return f"did you mean {found}?" if found else ""


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def ring(names: Sequence[str]) -> list[str]:
    """The names of a ring for a message: of a long one, those at both ends."""
    return [*names] if len(names) <= 9 else [*names[:4], "...", *names[-4:]]
