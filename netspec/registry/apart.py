"""Runs the code of a plugin so that its failures stay its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SECONDS = 10.0  # that a plugin may take to be imported, or to list its layers


class Fault(Exception):
    """What went wrong in a plugin, in words that go on with ``the plugin ...``."""


def told(problem: BaseException) -> str:
    """``ValueError: ...``, also where its text cannot be had, on one line and not too long."""
    name = type(problem).__name__
    try:
        text = " ".join(str(problem).split())
    except BaseException:
        return f"{name}, whose text cannot be had"
    return f"{name}: {text if len(text) <= 2_000 else text[:2_000] + '...'}"


def run_apart(work: Callable[[], T], what: str, seconds: float | None = None) -> T:
    """What ``work`` gives.

    It runs in a thread of its own: one that hangs is left behind, and the program goes on.

    Args:
        seconds: that it may take, if not SECONDS.

    Raises:
        Fault: it raises or exits, takes too long, or prints to the standard output, which may be
            the JSON of a command.
    """
    from contextlib import redirect_stdout  # here, as most specs have no use for a plugin
    from io import StringIO
    from threading import Thread

    outcome: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as problem:
            problems.append(problem)

    thread = Thread(target=run, name="netspec-plugin", daemon=True)
    printed = StringIO()
    with redirect_stdout(printed):
        thread.start()
        thread.join(seconds := SECONDS if seconds is None else seconds)
    if problems:
        (problem,) = problems
        raise Fault(f"{what}: {told(problem)}") from problem
    if not outcome:
        raise Fault(f"{what}: it has not ended after {seconds:g} seconds")
    if printed.getvalue():
        line = printed.getvalue().strip().partition("\n")[0]
        raise Fault(f"{what}: it prints to the standard output: {line[:60]!r}")
    return outcome[0]
