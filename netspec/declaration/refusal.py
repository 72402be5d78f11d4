"""What a shape rule raises for an input or argument that the layer cannot take."""

from __future__ import annotations


class Refusal(Exception):
    """The layer cannot be applied; ``message`` names the sizes met.

    ``argument`` is the argument to underline (the layer's name where it is None), ``help`` says
    what to write instead. ``instead`` is that text alone, for the value of the argument or for
    the ``word`` in it; ``input`` is the text for the model's ``input``, where the layer gets that.
    """

    def __init__(
        self,
        message: str,
        *,
        argument: str | None = None,
        help: str = "",
        instead: str | None = None,
        word: str | None = None,
        input: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument
        self.help = help
        self.instead = instead
        self.word = word
        self.input = input
