"""Call plugin code and name what it raises.

An installed plugin is trusted, as in pytest: it is called directly, in the caller's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from netspec.diagnostics.failure import failure

T = TypeVar("T")


class Fault(Exception):
    """What went wrong in a plugin, in words."""


def call_plugin(work: Callable[[], T], what: str) -> T:
    """Call plugin code.

    Raises:
        Fault: the code raised, with a reason that begins with ``what``; its cause is what was
            raised.
    """
    try:
        return call_rule(work)
    except Exception as problem:
        reason = str(problem) if isinstance(problem, Fault) else failure(problem)
        raise Fault(f"{what}: {reason}") from problem


def call_rule(work: Callable[[], T]) -> T:
    """Call plugin code whose exceptions have a meaning for the caller.

    Raises:
        Exception: the code raised it.
        Fault: the code tried to end the program (SystemExit).
    """
    try:
        return work()
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as problem:
        raise Fault(failure(problem)) from problem
