"""What is known of a plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

NOTHING: Mapping[str, tuple[str, ...]] = {}


class Plugin(NamedTuple):
    """A plugin and the package that it came from; ``problem`` says why it is disabled.

    ``brings`` are the names of what it brings beside layers, by kind (``blocks``, ``exporters``).
    """

    name: str
    package: str
    version: str
    layers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    problem: str | None = None
    brings: Mapping[str, tuple[str, ...]] = NOTHING

    def __str__(self) -> str:
        """``netspec-transformer 0.1.0``"""
        return f"{self.package} {self.version}".strip()

    @property
    def title(self) -> str:
        """What messages call it, with its name and its package."""
        return f"the plugin {self.name!r} of {self}"

    def faulty(self, problem: str) -> str:
        """What is wrong with it: ``the plugin ... gives ...``, or ``...: netspec_lint failed``."""
        colon = ":" if problem.startswith("netspec_") else ""
        return f"{self.title}{colon} {problem}"
