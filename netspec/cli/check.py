"""``netspec check SPEC...``"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from netspec.cli.output import Commands, command, print_diagnostics, print_json
from netspec.diagnostics import Diagnostic

EXAMPLES = """\
  netspec check model.yaml
  netspec check specs/*.yaml --json
  cat model.yaml | netspec check -
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "check",
        "check specs and say what is wrong, where",
        "Checks names, arguments and every shape, without building anything.",
        EXAMPLES,
    )
    parser.add_argument("spec", nargs="+", metavar="SPEC", help="a YAML file; - reads from stdin")
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    found = {name: _check(name) for name in given.spec}
    wrong = {name for name, all in found.items() if any(d.severity == "error" for d in all)}
    if given.json:
        from netspec.render import diagnostic_values

        print_json(
            [
                {
                    "spec": name,
                    "ok": name not in wrong,
                    "diagnostics": [diagnostic_values(diagnostic) for diagnostic in all],
                }
                for name, all in found.items()
            ]
        )
        return 1 if wrong else 0
    for name, all in found.items():
        print_diagnostics(all, sys.stdout)
        if name in wrong:
            errors = sum(diagnostic.severity == "error" for diagnostic in all)
            print(f"{name}: {errors} error{'s' if errors > 1 else ''}")
        else:
            print(f"{name}: ok")
    return 1 if wrong else 0


def _check(name: str) -> list[Diagnostic]:
    from netspec.api import check, check_text
    from netspec.source.limits import MAX_BYTES

    if name == "-":
        text = sys.stdin.buffer.read(MAX_BYTES + 1).decode("utf-8-sig", "surrogateescape")
        return check_text(text, "<stdin>")
    return check(Path(name))
