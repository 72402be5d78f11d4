"""Why the shapes of a layer without a rule are not known."""

from __future__ import annotations

from collections.abc import Sequence


class NotProbed(Exception):
    """A module has no formula; the message says why, and is a sentence of its own."""


class RefusedByTorch(NotProbed):
    """Torch refuses the arguments, or inputs of all sizes: the spec is wrong, or the class."""


class NotProven(Exception):
    """A probed formula is not proven; ``help`` says what may be stated so that it is."""

    def __init__(self, message: str, help: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.help = tuple(help)


class Unanswered(Exception):
    """A layer's shapes are not known; ``code`` is that of the diagnostic."""

    def __init__(self, code: str, message: str, help: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = tuple(help)
