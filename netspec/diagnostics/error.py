"""The one exception that netspec raises for a spec that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.diagnostics.diagnostic import Diagnostic


class SpecError(ValueError):
    """A spec is wrong; ``diagnostics`` holds every finding, ``str(error)`` the whole text.

    There is at least one: an error that does not say what is wrong cannot be made.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        if not self.diagnostics:
            raise TypeError("a SpecError has at least one diagnostic")
        super().__init__("\n\n".join(str(diagnostic) for diagnostic in self.diagnostics))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Diagnostic, ...]]]:
        return (SpecError, (self.diagnostics,))
