"""``netspec stubs``"""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.output import Commands, command, output, usage_error

EXAMPLES = """\
  netspec stubs -o builder.py   then: from builder import Builder
  netspec stubs                 print it
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "stubs",
        "write a Builder with the layers of plugins, for type checkers",
        "Write a module with a Builder for type checkers and editors: it has a method for\n"
        "each layer of the installed plugins. At run time it is netspec.Builder.",
        EXAMPLES,
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the module to write (.py)")
    parser.add_argument(
        "--force", action="store_true", help="replace a file that `netspec stubs` did not write"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.builder.stub import PLUGINS_HEADER, plugins_builder
    from netspec.cli.files import output_problem
    from netspec.files import CannotWrite, written_whole
    from netspec.registry import default_registry

    text = plugins_builder(default_registry())
    if given.output is None:
        print(text, end="", file=output())
        return 0
    path = Path(given.output)
    if path.suffix != ".py":
        return usage_error(f"{given.output} is no Python module: choose a name that ends with .py")
    first = PLUGINS_HEADER.partition("\n")[0]
    is_own = path.is_file() and path.read_text("utf-8", errors="replace").startswith(first)
    problem = output_problem(given.output, given.force or is_own)
    if problem is not None:
        return usage_error(problem)
    try:
        with written_whole(path) as file:
            file.write_text(text, "utf-8")
    except CannotWrite as error:
        return usage_error(f"cannot write {given.output}: {error}")
    print(f"wrote {given.output}", file=output())
    return 0
