"""``netspec check SPEC...``"""

from __future__ import annotations

import argparse

from netspec.cli.input import STDIN, add_choices, add_prove, findings
from netspec.cli.output import Commands, command, output, print_diagnostics, print_json
from netspec.diagnostics import Diagnostic
from netspec.diagnostics.text import printable

EXAMPLES = """\
  netspec check model.yaml
  netspec check specs/*.yaml --json
  netspec check model.yaml --set width=64
  cat model.yaml | netspec check -
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "check",
        "check specs and report errors with their positions",
        "Check names, arguments and every shape, without building anything.",
        EXAMPLES,
    )
    parser.add_argument(
        "spec", nargs="+", metavar="SPEC", help="a YAML file, or - for standard input"
    )
    add_choices(parser)
    add_prove(parser)
    parser.add_argument("--json", action="store_true", help="findings as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    found = {name: findings(name, given) for name in given.spec}
    errors = {name: _count(all, "error") for name, all in found.items()}
    if given.json:
        from netspec.render import diagnostic_values

        print_json(
            [
                {
                    "spec": name,
                    "ok": errors[name] == 0,
                    "diagnostics": [diagnostic_values(diagnostic) for diagnostic in all],
                }
                for name, all in found.items()
            ]
        )
    else:
        for name, all in found.items():
            print_diagnostics(all, output())
            print(_summary(name, errors[name], _count(all, "warning")), file=output())
    return 1 if any(errors.values()) else 0


def _count(found: list[Diagnostic], severity: str) -> int:
    return sum(diagnostic.severity == severity for diagnostic in found)


def _summary(name: str, errors: int, warnings: int) -> str:
    """``model.yaml: 2 errors, 1 warning``, or ``model.yaml: ok``."""
    counts = [(errors, "error"), (warnings, "warning")]
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    text = ", ".join(parts if errors else ["ok", *parts])
    return f"{STDIN if name == '-' else printable(name)}: {text}"
