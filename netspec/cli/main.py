"""The command line: which command, what goes wrong around it, and the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from netspec.cli import build, check, layers, plugins, show
from netspec.version import __version__

EXAMPLES = """\
examples:
  netspec check model.yaml                      is it right? says where it is not
  netspec show model.yaml                       every layer with its shapes and costs
  netspec build model.yaml -o model.safetensors make the model and save its weights
  netspec layers conv2d                         how a layer is written

exit codes: 0 all is well, 1 a spec is wrong, 2 the command is
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="netspec",
        description="Neural networks written in YAML, checked like code, built as PyTorch modules.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"netspec {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (check, show, build, layers, plugins):
        command.add_to(commands)
    try:
        given = parser.parse_args(arguments)
        code: int = given.run(given)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has left. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
