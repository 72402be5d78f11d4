"""What the commands share: printing findings, colour only where a person looks, usage errors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from netspec.diagnostics import Diagnostic
from netspec.diagnostics.text import diagnostic_text, printable

Commands = Any  # argparse's type for sub-parsers is private


def command(
    commands: Commands, name: str, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """A command's parser, whose help ends with examples."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    plugins = parser.add_mutually_exclusive_group()
    plugins.add_argument("--no-plugins", action="store_true", help="use no plugins")
    plugins.add_argument(
        "--plugin",
        action="append",
        metavar="NAME",
        help="use only this plugin; may be repeated",
    )
    return parser


def is_colored(stream: TextIO) -> bool:
    """Whether a person looks, and has not said NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int | None:
    """The columns of the terminal; None where the output goes to a file or a program."""
    if not stream.isatty():
        return None
    import shutil  # here, as a check in a pipe has no use for it

    return shutil.get_terminal_size().columns


def output() -> TextIO:
    """The standard output.

    While a command runs in a process of its own, `sys.stdout` is the standard error, so that
    what plugins print does not end up in JSON.
    """
    return sys.__stdout__ or sys.stdout if sys.stdout is sys.stderr else sys.stdout


def print_diagnostics(diagnostics: Iterable[Diagnostic], stream: TextIO) -> None:
    color = is_colored(stream)
    columns = width(stream)
    for diagnostic in diagnostics:
        print(diagnostic_text(diagnostic, color, columns), file=stream)


def print_json(value: object) -> None:
    import json

    json.dump(value, output(), indent=2, allow_nan=False)
    print(file=output())


def usage_error(message: str) -> int:
    """Says what is wrong with the command; gives its exit code."""
    print(f"netspec: error: {printable(message)}", file=sys.stderr)
    return 2
