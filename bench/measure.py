"""Alternating measurements of two things."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Line:
    """One comparison: seconds of netspec and of the reference, and the ratio to stay under."""

    what: str
    ours: tuple[float, ...]
    reference: tuple[float, ...]
    aim: float | None = None

    @property
    def of_medians(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.reference)

    @property
    def of_minima(self) -> float:
        return min(self.ours) / min(self.reference)

    def stored(self) -> dict[str, object]:
        """The fields, for ``Line(**fields)`` in another process."""
        return asdict(self)

    def values(self) -> dict[str, object]:
        return self.stored() | {"of_medians": self.of_medians, "of_minima": self.of_minima}


def compare(
    what: str,
    ours: Work,
    reference: Work,
    aim: float | None,
    rounds: int,
    times: int = 1,
    clock: Clock | None = None,
) -> Line:
    """Both in turn, after one unmeasured round; a sample is the mean of ``times`` calls.

    ``clock`` gives the seconds that pass, where it is not the wall's.
    """
    samples: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for work, kept in zip((ours, reference), samples, strict=True):
            taken = seconds(work, times, clock or time.perf_counter)
            if number:
                kept.append(taken)
    return Line(what, tuple(samples[0]), tuple(samples[1]), aim)


def seconds(work: Work, times: int, clock: Clock = time.perf_counter) -> float:
    start = clock()
    for _ in range(times):
        work()
    return (clock() - start) / times
