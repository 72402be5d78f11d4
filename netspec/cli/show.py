"""``netspec show SPEC``"""

from __future__ import annotations

import argparse
import sys

from netspec.cli.input import add_choices, add_prove, planned
from netspec.cli.memory import add_memory_options, tell_memory
from netspec.cli.output import (
    Commands,
    command,
    print_diagnostics,
    print_json,
    usage_error,
    width,
)

EXAMPLES = """\
  netspec show model.yaml
  netspec show model.yaml --json > plan.json
  netspec show model.yaml --variant small --set width=64
  netspec show model.yaml --memory --batch 64 --dtype bfloat16 --optimizer adamw
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "show",
        "show every layer with its shapes, parameters and multiply-adds",
        "Shows each layer's name, output shape, parameters and multiply-adds,\n"
        "and what the model saves for backward. --json has all costs of each layer.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file, or - for standard input")
    add_choices(parser)
    add_prove(parser)
    parser.add_argument("--json", action="store_true", help="the plan as JSON")
    parser.add_argument(
        "--memory", action="store_true", help="what a training step takes, instead of the layers"
    )
    parser.add_argument("--placement", metavar="FILE", help="with --memory: a placement document")
    add_memory_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.render import plan_table, plan_values

    plan = planned(given.spec, given)
    if given.memory:
        return tell_memory(plan, given)
    if given.placement or given.batch is not None or given.size:
        return usage_error("--placement, --batch and --size are of use with --memory")
    if given.json:
        print_json(plan_values(plan))
        return 0
    print_diagnostics(plan.warnings, sys.stderr)
    print(plan_table(plan, width(sys.stdout)))
    return 0
