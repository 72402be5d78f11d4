"""Signals that end the command, where the process runs nothing else."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130  # as shells say that Ctrl-C ended a command

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
_process = 0


def end_at_signals() -> None:
    """Ends the process at Ctrl-C with exit code 130, wherever it is, and at SIGTERM and SIGHUP.

    Python would raise KeyboardInterrupt. It is lost, or printed with a traceback, where it comes
    within an import of torch, a callback of the garbage collector or the interpreter's shutdown.
    A signal that the caller has had ignored (``nohup``) stays so.
    """
    global _process
    _process = os.getpid()
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in _DEFAULTS:
            with suppress(ValueError):  # only the main thread may
                signal.signal(number, _end)
    atexit.register(_ignore_interrupts)


@contextmanager
def keyboard_interrupts() -> Iterator[None]:
    """Raises KeyboardInterrupt at Ctrl-C in the block, as the code of a plugin may expect it."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    if os.getpid() == _process:  # and not a process that was forked from it
        files = sys.modules.get("netspec.files")
        if files is not None:
            files.remove_unfinished()
    if number == signal.SIGINT:
        os._exit(INTERRUPTED)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _ignore_interrupts() -> None:
    """Registered first and so called last, when all is done: no handler runs any more."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
