"""A pause for Python's cyclic garbage collector while a stage makes its values."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from netspec.threads import is_alone

P = ParamSpec("P")
R = TypeVar("R")


def without_collector(stage: Callable[P, R]) -> Callable[P, R]:
    """The function, with the collector paused until it returns or raises.

    A spec of 10,000 layers becomes some 100,000 values in one go. All of them are kept and none
    refers back, so the collector finds nothing, but looks at each of them again and again: that
    was a quarter of the time from text to Plan. What a stage makes is bounded by the limits of
    the language, so memory is too. Where somebody else has disabled it, it stays disabled, and
    where other threads run, it goes on.
    """

    @wraps(stage)
    def paused(*args: P.args, **kwargs: P.kwargs) -> R:
        if not gc.isenabled() or not is_alone():
            return stage(*args, **kwargs)
        gc.disable()
        try:
            return stage(*args, **kwargs)
        finally:
            gc.enable()

    return paused
