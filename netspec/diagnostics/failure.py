"""Words for an exception of anybody's code, and for a value of any kind."""

from __future__ import annotations

LONGEST = 300


def failure(problem: BaseException) -> str:
    """``ZeroDivisionError: division by zero``, on one line.

    A plugin's exception may have a text of any length, or fail to give one.
    """
    kind = type(problem).__name__
    try:
        text = one_line(str(problem))
    except KeyboardInterrupt:
        raise
    except BaseException as another:
        return f"{kind}, whose text cannot be shown ({type(another).__name__})"
    return f"{kind}: {text}" if text else kind


def shown(value: object) -> str:
    """A value as Python writes it, or its type where that fails."""
    try:
        return one_line(repr(value))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return f"a {type(value).__name__}"


def one_line(text: str) -> str:
    """The text without line breaks, cut where nobody would read on."""
    joined = " ".join(text[: 10 * LONGEST].split())
    return joined if len(joined) <= LONGEST else f"{joined[: LONGEST - 3]}..."
