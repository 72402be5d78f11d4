"""``netspec show SPEC``"""

from __future__ import annotations

import argparse
import sys

from netspec.cli.input import add_choices, add_prove, planned
from netspec.cli.memory import add_memory_options, named_sizes, tell_memory
from netspec.cli.output import (
    Commands,
    command,
    output,
    print_diagnostics,
    print_json,
    usage_error,
)
from netspec.diagnostics import SpecError

EXAMPLES = """\
  netspec show model.yaml
  netspec show model.yaml --json > plan.json
  netspec show model.yaml --variant small --set width=64
  netspec show model.yaml --batch 1
  netspec show model.yaml --depth 1
  netspec show model.yaml --memory --batch 64 --dtype bfloat16 --optimizer adamw
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "show",
        "print every layer with its shapes, parameters and multiply-adds",
        "Print each layer's name, output shape, parameters and multiply-adds,\n"
        "and the bytes that are saved for backward. Equal blocks are shown once.\n"
        "--batch and --size replace named sizes of the input by numbers.\n"
        "--json includes all costs of each layer.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file, or - for standard input")
    add_choices(parser)
    add_prove(parser)
    parser.add_argument(
        "--depth",
        type=_depth,
        metavar="N",
        help="depth of containers shown; deeper layers are summed up",
    )
    parser.add_argument(
        "--unfold", action="store_true", help="show each of consecutive equal blocks"
    )
    parser.add_argument("--json", action="store_true", help="the plan as JSON")
    parser.add_argument(
        "--memory", action="store_true", help="the memory of a training step, instead of the layers"
    )
    parser.add_argument("--placement", metavar="FILE", help="with --memory: a placement document")
    add_memory_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.render import plan_table, plan_values, terminal_width

    if given.memory:
        return tell_memory(planned(given.spec, given), given)
    if given.placement:
        return usage_error("--placement is of use with --memory")
    sizes = named_sizes(given)
    if isinstance(sizes, str):
        return usage_error(sizes)
    try:
        plan = planned(given.spec, given, given.batch, sizes)
    except SpecError:  # which is a ValueError, too
        raise
    except ValueError as error:
        return usage_error(f"{error} (--batch and --size give them)")
    if given.json:
        print_json(plan_values(plan))
        return 0
    print_diagnostics(plan.warnings, sys.stderr)
    print(plan_table(plan, terminal_width(), given.depth, given.unfold), file=output())
    return 0


def _depth(text: str) -> int:
    if text.isdecimal() and len(text) < 5 and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of containers, 1 or more")
