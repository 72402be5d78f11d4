"""Whether other threads run, which share the state of the process: its filters, its generators."""

import threading


def is_alone() -> bool:
    """Whether the calling thread is the only one.

    What belongs to the whole process (the garbage collector, the filters of warnings, the default
    random generator) is set aside for a moment only then: two threads that save and restore it
    would leave it changed.
    """
    return threading.active_count() == 1
