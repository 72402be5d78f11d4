"""A budget of steps for work whose amount a spec decides, such as that of a `repeat`.

Modules, reads and values have limits of their own. Steps bound what these do not: items that
`when` leaves out, elements that an expression makes or compares, terms of symbolic sizes. A step
takes a microsecond at most, and some hundred bytes where what it makes is kept, so the budget
bounds time and memory alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_LAYERS = 50_000  # a model of more modules is a mistake in a `repeat:`
MAX_NESTING = 100  # containers in containers
MAX_STEPS = 5_000_000  # of one walk; the 50,000 layers of the largest model take 500,000

# What is charged, in steps, for what takes longer than one.
ITEM = 10  # an item of a container, written out or left out
BRANCH = 10  # of a composite
COMPOSITE = 50  # that becomes a step of the plan
FINDING = 20  # an error or warning, new or not
PRODUCT = 10  # of two terms of symbolic sizes
TERM = 2  # of a sum of symbolic sizes
SAMPLE = 997  # steps between two looks at where they are spent: prime, as specs repeat themselves


class OutOfSteps(Exception):
    """The work that a spec asks for is beyond its budget."""


class Budget:
    """Counts the steps of one walk, and samples which place of the spec they are spent at."""

    __slots__ = ("_next", "_sampled", "_samples", "limit", "place", "used")

    def __init__(self, limit: int | None = None) -> None:
        self.limit = MAX_STEPS if limit is None else limit
        self.used = 0
        self.place: object = None  # of the spec, that is being worked out
        self._next = min(SAMPLE, self.limit)
        self._sampled = 0
        self._samples: dict[int, tuple[int, object]] = {}

    def spend(self, steps: int) -> None:
        """
        Raises:
            OutOfSteps: more steps are spent than there are.
        """
        self.used += steps
        if self.used > self._next:
            self._sample()

    def enter(self, place: object, steps: int) -> None:
        """Spends steps at a place of the spec, which what follows is charged to as well.

        Raises:
            OutOfSteps: more steps are spent than there are.
        """
        self.place = place
        self.used += steps
        if self.used > self._next:
            self._sample()

    def _sample(self) -> None:
        key = id(self.place)
        before = self._samples[key][0] if key in self._samples else 0
        self._samples[key] = (before + self.used - self._sampled, self.place)
        self._sampled = self.used
        self._next = min(self.used + SAMPLE, self.limit)
        if self.used > self.limit:
            raise OutOfSteps

    def dearest(self) -> object:
        """The place that most steps are spent at; None where that is none of the spec's."""
        return max(self._samples.values(), key=lambda spent: spent[0])[1]


_CURRENT: ContextVar[Budget | None] = ContextVar("netspec_budget", default=None)


def spend(steps: int) -> None:
    """Charges steps to the walk that runs, where one does.

    Raises:
        OutOfSteps: it has spent more than it has.
    """
    budget = _CURRENT.get()
    if budget is not None:
        budget.spend(steps)


@contextmanager
def limited(budget: Budget) -> Iterator[None]:
    """Charges what is spent in the block, in this thread, to the budget."""
    token = _CURRENT.set(budget)
    try:
        yield
    finally:
        _CURRENT.reset(token)
