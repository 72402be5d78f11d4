"""What a shape rule raises for an input or argument that the layer cannot take."""

from __future__ import annotations


class Refusal(Exception):
    """The layer cannot be applied; ``message`` names the sizes met.

    ``argument`` is the argument to underline (the layer's name where it is None), ``help`` says
    what to write instead.
    """

    def __init__(self, message: str, *, argument: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument
        self.help = help
