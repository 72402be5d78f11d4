"""The specs that a command line names: files, and ``-`` for standard input."""

from __future__ import annotations

import sys

from netspec.diagnostics import Diagnostic, Location, SpecError
from netspec.planning import Plan

STDIN = "<stdin>"


def findings(name: str) -> list[Diagnostic]:
    """Everything that is found about a spec."""
    from netspec.api import check_file, check_text

    if name != "-":
        return check_file(name)
    try:
        return check_text(_standard_input(), STDIN)
    except SpecError as error:
        return list(error.diagnostics)


def planned(name: str) -> Plan:
    """The plan of a spec.

    Raises:
        SpecError: it is wrong.
    """
    from netspec.api import check_text, loads, plan

    if name != "-":
        return plan(name)
    data = _standard_input()
    found = check_text(data, STDIN)
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise SpecError(found)
    return plan(loads(data.decode("utf-8-sig"), STDIN))


def _standard_input() -> bytes:
    """As much of it as a spec may have, and a byte more, which tells that it is too much.

    Raises:
        SpecError: it is closed, or a folder.
    """
    from netspec.source.limits import MAX_BYTES

    try:
        if sys.stdin is None:
            raise OSError(0, "it is closed")
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    except OSError as problem:
        message = f"cannot read standard input: {problem.strerror}"
        raise SpecError([Diagnostic("unreadable-file", message, Location(STDIN))]) from problem
