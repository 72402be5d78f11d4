"""What a subcommand of a plugin is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse


class Command(NamedTuple):
    """``netspec NAME``.

    ``add_arguments`` gets an ``argparse.ArgumentParser``; ``run`` gets what was written and gives
    the exit code: 0 all is well, 1 a spec is wrong. A SpecError that it raises is printed as for
    netspec's own commands. ``examples`` are lines for the end of its help.
    """

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    examples: str = ""
