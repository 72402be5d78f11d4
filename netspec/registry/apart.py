"""Runs the code of a plugin so that its failures stay its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from netspec.diagnostics.failure import failure, one_line

T = TypeVar("T")
#: Names how many seconds a plugin may take to be imported, to list what it brings, or for one rule.
LIMIT = "NETSPEC_PLUGIN_SECONDS"
SECONDS = 10.0
WITH_MODEL = 60.0  # that a hook may take that gets a model, which may be large


class Fault(Exception):
    """What went wrong in a plugin, in words."""


def run_apart(work: Callable[[], T], what: str, seconds: float = SECONDS) -> T:
    """What ``work`` gives.

    Args:
        seconds: how long it may take, where the environment names no limit.

    Raises:
        Fault: there is nothing, for a reason that begins with ``what``.
    """
    try:
        return apart(work, seconds)
    except Exception as problem:
        reason = str(problem) if isinstance(problem, Fault) else failure(problem)
        raise Fault(f"{what}: {reason}") from problem


def apart(work: Callable[[], T], seconds: float = SECONDS) -> T:
    """What ``work`` gives.

    It runs in a thread of its own: one that hangs is left behind, and the program goes on.

    Args:
        seconds: how long it may take, where the environment names no limit.

    Raises:
        Exception: it raises that.
        Fault: it exits, takes too long, or prints to the standard output, which may be the JSON
            of a command.
    """
    from contextlib import redirect_stdout  # here, as most specs have no use for a plugin
    from contextvars import copy_context
    from io import StringIO
    from threading import Thread

    outcome: list[T] = []
    problems: list[BaseException] = []
    enter = _same_device()

    def run() -> None:
        try:
            enter()
            outcome.append(work())
        except BaseException as problem:
            problems.append(problem)

    seconds = _limit(seconds)
    # In a copy of the context, so that what it does with sizes is charged to the walk.
    thread = Thread(target=copy_context().run, args=(run,), name="netspec-plugin", daemon=True)
    printed = StringIO()
    with redirect_stdout(printed):
        thread.start()
        thread.join(seconds)
    for problem in problems:
        if isinstance(problem, Exception):
            raise problem
        raise Fault(failure(problem)) from problem  # SystemExit, and others that end programs
    if not outcome:
        raise Fault(f"it has not ended after {seconds:g} seconds")
    if printed.getvalue():
        line = one_line(printed.getvalue().strip().partition("\n")[0])
        raise Fault(f"it prints to the standard output: {line[:60]!r}")
    return outcome[0]


def _same_device() -> Callable[[], None]:
    """Gives a new thread the cuda device of this one, which torch keeps for each."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return lambda: None
    device = torch.cuda.current_device()
    return lambda: torch.cuda.set_device(device)


def _limit(usual: float) -> float:
    """The seconds that the environment names, or the usual ones where that is no number."""
    try:
        seconds = float(os.environ.get(LIMIT, usual))
    except ValueError:
        return usual
    return min(seconds, 1e6) if seconds > 0 else usual
