"""What was loaded of a file, what is fresh, and what was left in the file."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netspec.source.nodes import shortened
from netspec.weights.matching import patterns_of

SHOWN = 6  # patterns in one line


@dataclass(frozen=True)
class LoadedWeights:
    """The names of a model and of a file that weights were loaded from.

    Args:
        file: the file.
        loaded: the name in the file, by the key of the model that it fills.
        fresh: the keys of the model that were not filled from the file.
        left: the names that were left in the file.
    """

    file: str
    loaded: Mapping[str, str] = field(repr=False)
    fresh: tuple[str, ...]
    left: tuple[str, ...]

    def log(self) -> None:
        """Tell it to the logger ``netspec``, at the level INFO."""
        logging.getLogger("netspec").info("%s", self)

    def values(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "file": self.file,
            "loaded": dict(self.loaded),
            "fresh": list(self.fresh),
            "left": list(self.left),
        }

    def __str__(self) -> str:
        parts = [f"{self.file}: {len(self.loaded):,} tensors loaded"]
        if self.fresh:
            parts.append(f"{len(self.fresh):,} fresh ({_shown(self.fresh, [*self.loaded])})")
        if self.left:
            left = _shown(self.left, [*self.loaded.values()])
            parts.append(f"{len(self.left):,} left in the file ({left})")
        return ", ".join(parts)


def _shown(names: Sequence[str], others: Sequence[str]) -> str:
    patterns = patterns_of(names, others)
    more = ", ..." if len(patterns) > SHOWN else ""
    return ", ".join([shortened(pattern, 80) for pattern in patterns[:SHOWN]]) + more
