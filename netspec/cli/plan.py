"""``netspec plan SPEC --placement FILE --ranks N``"""

from __future__ import annotations

import argparse

from netspec.cli.input import add_choices, planned
from netspec.cli.memory import add_memory_options, tell_memory
from netspec.cli.output import Commands, command

EXAMPLES = """\
  netspec plan model.yaml --placement p.yaml --ranks 512 --batch 1
  netspec plan model.yaml --placement p.yaml --ranks 8 --batch 4 --json
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "plan",
        "apply a placement and print the memory of every rank",
        "Apply a placement to the model, without torch and without processes, and print\n"
        "the bytes of every rank; ranks with equal memory share a line.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file, or - for standard input")
    add_choices(parser)
    parser.add_argument("--placement", metavar="FILE", required=True, help="a placement document")
    parser.add_argument(
        "--ranks",
        type=_ranks,
        metavar="N",
        help="number of processes; sets the `auto` axis of the mesh",
    )
    add_memory_options(parser)
    parser.add_argument("--json", action="store_true", help="the bytes as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    return tell_memory(planned(given.spec, given), given, given.ranks)


def _ranks(text: str) -> int:
    from netspec.placement.document import MAX_RANKS

    if text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_RANKS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of ranks, 1 to {MAX_RANKS:,}")
