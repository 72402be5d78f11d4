"""The command line: which command, what goes wrong around it, and the exit code."""

from __future__ import annotations

import sys

# All else is imported in `main`, so that Ctrl-C is heard from the beginning.
from netspec.commands import COMMANDS
from netspec.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from netspec.declaration import Command
    from netspec.registry import Brought

EXAMPLES = """\
examples:
  netspec check model.yaml                        report all errors
  netspec show model.yaml                         its layers, shapes and costs
  netspec show model.yaml --memory --batch 64     the memory of a training step
  netspec build model.yaml -o model.safetensors   build it and save its weights
  netspec export model.yaml -o model.mmd          convert it to another format
  netspec layers conv2d                           a layer and its arguments
  netspec new-plugin netspec-mylayers             a package for layers

exit codes: 0 success, 1 errors in a spec, 2 errors in the command
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code.

    Args:
        arguments: the words after ``netspec``. None are those of the process, which Ctrl-C then
            ends wherever it is.
    """
    try:
        if arguments is not None:
            return _main(list(arguments), owns_process=False)
        from netspec.cli.signals import end_at_signals

        end_at_signals()
        return _main(sys.argv[1:], owns_process=True)
    except KeyboardInterrupt:
        return 130


def _main(words: list[str], *, owns_process: bool) -> int:
    _prepare_streams()
    try:
        try:
            code = _run(words, owns_process)
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here, where what goes wrong can be told
    except BrokenPipeError:
        # The reader (`| head`) has left. Python would complain again when it flushes at exit.
        _discard_output()
        return 1
    except OSError as problem:
        from netspec.cli.output import usage_error

        if problem.filename is not None:
            return usage_error(f"{problem.filename}: {problem.strerror or problem}")
        _discard_output()
        return usage_error(f"cannot write the output: {problem.strerror or problem}")
    return code


def _run(words: Sequence[str], owns_process: bool) -> int:
    first = next((word for word in words if not word.startswith("-")), None)
    own = (first,) if first in COMMANDS else () if first is not None else COMMANDS
    brought: list[Brought[Command]] = []
    if first is None and {"-h", "--help"}.intersection(words):
        from netspec.cli.brought import all_commands

        brought = all_commands()
    elif first is not None and not own:
        from netspec.cli.brought import find_command
        from netspec.cli.output import usage_error

        found = find_command(first)
        if isinstance(found, str):
            return usage_error(found)
        brought = [found]
    parser = _parser(own, brought, is_help=first is None)
    given, rest = parser.parse_known_args(words)
    if rest:
        return _unread(parser, words, rest, first or "netspec")
    # A plugin's own command prints where it likes.
    given.plugins_print_to_stderr = owns_process and bool(own)
    if given.no_plugins or given.plugin:
        return _with_plugins(given)
    return _code(given)


def _unread(
    parser: argparse.ArgumentParser, words: Sequence[str], rest: Sequence[str], command: str
) -> int:
    """Says which arguments a command does not take; gives the exit code."""
    from netspec.advice.commands import unread
    from netspec.cli.output import usage_error

    options: set[str] = set()
    for action in parser._actions:  # argparse lists a command's options nowhere else
        for chosen in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            options |= {option for one in chosen._actions for option in one.option_strings}
    parser.print_usage(sys.stderr)
    return usage_error(unread(words, rest, options, command))


def _code(given: argparse.Namespace) -> int:
    """Runs a command; what is wrong with a spec is printed."""
    from netspec.cli.output import print_diagnostics
    from netspec.diagnostics import SpecError

    before = sys.stdout
    if given.plugins_print_to_stderr:
        sys.stdout = sys.stderr  # `netspec.cli.output.output` is the real one
    try:
        code: int = given.run(given)
    except SpecError as error:
        print_diagnostics(error.diagnostics, sys.stderr)
        return 1
    finally:
        sys.stdout = before
    return code


def _with_plugins(given: argparse.Namespace) -> int:
    """Runs a command with the plugins that were chosen, as NETSPEC_PLUGINS does."""
    import os

    from netspec.cli.output import usage_error
    from netspec.diagnostics import listed
    from netspec.registry import CHOICE, default_registry

    before = os.environ.get(CHOICE)
    os.environ[CHOICE] = ",".join(given.plugin or ())
    try:
        missing = default_registry().not_installed()
        if missing:
            return usage_error(
                f"no plugin {listed(missing, 'or')} is installed; `netspec plugins` lists them"
            )
        return _code(given)
    finally:
        if before is None:
            del os.environ[CHOICE]
        else:
            os.environ[CHOICE] = before


def _parser(
    names: Sequence[str], brought: Sequence[Brought[Command]], *, is_help: bool
) -> argparse.ArgumentParser:
    """Knows the commands of these names, and those of plugins; others need not be imported."""
    import argparse
    from importlib import import_module

    parser = argparse.ArgumentParser(
        prog="netspec",
        description="Neural networks written in YAML, checked like code, built as PyTorch modules.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"netspec {__version__}")
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        required=True,
        prog="netspec",  # argparse would work it out, from modules that a check need not import
    )
    for name in names:
        import_module(f"netspec.cli.{name.replace('-', '_')}").add_to(commands)
    if brought:
        from netspec.cli.brought import add_brought

        for one in brought:
            add_brought(commands, one, is_help=is_help)
    return parser


def _prepare_streams() -> None:
    """Output goes somewhere even where the caller has closed it, and letters never stop it."""
    import io
    import os

    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
