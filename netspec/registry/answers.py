"""What the hooks of one plugin give, as a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from netspec.plugin_calls import Fault, call_plugin

MOST = 10_000  # things of one kind that a plugin may bring


def answers(hook: str, functions: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the functions of one plugin give, all in one list.

    Raises:
        Fault: one raises, or gives no list or one without an end.
    """

    def work() -> list[Any]:
        found: list[Any] = []
        for function in functions:
            given = function()
            if given is None:
                raise Fault("it gives None, which is no list")
            found += islice(given, MOST + 1)
        if len(found) > MOST:
            raise ValueError(f"it gives more than {MOST:,} things")
        return found

    return call_plugin(work, f"{hook} failed")
