"""Runs the code of a plugin so that its failures stay its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SECONDS = 10.0  # that a plugin may take to be imported, or for a hook that declares something
WITH_MODEL = 60.0  # that a hook may take that gets a model, which may be large


class Fault(Exception):
    """What went wrong in a plugin, in words that go on with ``the plugin ...``."""


def run_apart(work: Callable[[], T], what: str, seconds: float | None = None) -> T:
    """What ``work`` gives.

    It runs in a thread of its own: one that hangs is left behind, and the program goes on.

    Args:
        seconds: that it may take; ``SECONDS`` where it is None.

    Raises:
        Fault: it raises or exits, takes too long, or prints to the standard output, which may be
            the JSON of a command. What it raised is the Fault's cause.
    """
    from contextlib import redirect_stdout  # here, as most specs have no use for a plugin
    from io import StringIO
    from threading import Thread

    limit = SECONDS if seconds is None else seconds
    outcome: list[T] = []
    problems: list[BaseException] = []
    enter = _same_device()

    def run() -> None:
        try:
            enter()
            outcome.append(work())
        except BaseException as problem:
            problems.append(problem)

    thread = Thread(target=run, name="netspec-plugin", daemon=True)
    printed = StringIO()
    with redirect_stdout(printed):
        thread.start()
        thread.join(limit)
    if problems:
        (problem,) = problems
        if isinstance(problem, Fault):
            raise problem
        raise Fault(f"{what}: {told(problem)}") from problem
    if not outcome:
        raise Fault(f"{what}: it has not ended after {limit:g} seconds")
    if printed.getvalue():
        line = printed.getvalue().strip().partition("\n")[0]
        raise Fault(f"{what}: it prints to the standard output: {line[:60]!r}")
    return outcome[0]


def told(problem: BaseException) -> str:
    """An exception's class and text on one line; the text may itself be a plugin's mistake."""
    try:
        text = str(problem)
    except Exception:
        text = "(its text cannot be had)"
    return " ".join(f"{type(problem).__name__}: {text}".split())


def shown(value: object) -> str:
    """A value that a plugin gave, in a message."""
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _same_device() -> Callable[[], None]:
    """Gives a new thread the cuda device of this one, which torch keeps for each."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return lambda: None
    device = torch.cuda.current_device()
    return lambda: torch.cuda.set_device(device)
