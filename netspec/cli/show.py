"""``netspec show SPEC``"""

from __future__ import annotations

import argparse
import sys

from netspec.cli.output import Commands, command, print_diagnostics, print_json, width

EXAMPLES = """\
  netspec show model.yaml
  netspec show model.yaml --json | python -m json.tool
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "show",
        "show every layer with its shapes, parameters and multiply-adds",
        "Shows the plan of a spec: names, layers, output shapes, parameters, multiply-adds.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file")
    parser.add_argument("--json", action="store_true", help="the plan as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.api import plan
    from netspec.diagnostics import SpecError
    from netspec.render import plan_table, plan_values

    try:
        planned = plan(given.spec)
    except SpecError as error:
        print_diagnostics(error.diagnostics, sys.stderr)
        return 1
    if given.json:
        print_json(plan_values(planned))
        return 0
    print_diagnostics(planned.warnings, sys.stderr)
    print(plan_table(planned, width(sys.stdout)))
    return 0
