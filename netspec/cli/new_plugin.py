"""``netspec new-plugin NAME``"""

from __future__ import annotations

import argparse
from pathlib import Path

from netspec.cli.output import Commands, command, output, usage_error
from netspec.diagnostics.text import printable

EXAMPLES = """\
  netspec new-plugin netspec-mylayers   writes the folder netspec-mylayers
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "new-plugin",
        "create a package for your own layers",
        "Create a small complete package: a layer with its rule and its class, tests and\n"
        "metadata for pip. It can be installed, tested and published as it is.",
        EXAMPLES,
    )
    parser.add_argument("name", metavar="NAME", help="the package's name, as netspec-mylayers")
    parser.add_argument(
        "--directory",
        default=".",
        metavar="DIR",
        help="parent of the new folder (default: the current one)",
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.scaffold import BadName, names_of, write_package

    directory = Path(given.directory)
    try:
        names = names_of(given.name)
    except BadName as problem:
        return usage_error(str(problem))
    folder = directory / names.package
    if not directory.is_dir():
        return usage_error(f"there is no folder {given.directory}")
    try:
        written = write_package(names, directory)
    except OSError as problem:
        return usage_error(f"cannot write {folder}: {problem.strerror or problem}")
    print("\n".join(f"wrote {printable(str(folder / path))}" for path in written), file=output())
    print(
        f"""
next:
  cd {printable(str(folder))}
  python -m pip install -e '.[test]'
  python -m pytest
  netspec layers low_rank_linear""",
        file=output(),
    )
    return 0
