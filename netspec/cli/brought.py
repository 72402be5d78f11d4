"""The commands that plugins bring."""

from __future__ import annotations

import argparse
import sys

from netspec.cli.output import Commands, command, usage_error
from netspec.cli.signals import keyboard_interrupts
from netspec.commands import COMMANDS
from netspec.declaration import Command
from netspec.diagnostics import SpecError, listed
from netspec.diagnostics.failure import failure, shown
from netspec.diagnostics.text import printable
from netspec.plugin_calls import Fault, call_plugin
from netspec.registry import Brought, default_registry


def all_commands() -> list[Brought[Command]]:
    """Those of all plugins that list some; a plugin that is disabled is told of."""
    registry = default_registry()
    found = registry.commands()
    for plugin in registry.disabled():
        message = printable(f"netspec: a plugin is disabled: {plugin.problem}")
        print(message, file=sys.stderr)
    return [one._replace(name=name) for name, one in found.items()]


def find_command(word: str) -> Brought[Command] | str:
    """The command of a plugin, or why there is none."""
    from netspec.advice.commands import other_command

    registry = default_registry()
    found = registry.commands_named(word)
    if len(found) == 1:
        return found[0]._replace(name=word)
    if found:
        ways = listed([f"`netspec {one.full_name}`" for one in found], "or")
        return f"{word} is a command of {listed([str(one.plugin) for one in found])}; write {ways}"
    disabled = [f"a plugin is disabled: {plugin.problem}" for plugin in registry.disabled()]
    hint = registry.remedy_for("commands", word) or other_command(word, COMMANDS)
    return "; ".join([f"{word} is not a command", *disabled, hint])


def add_brought(commands: Commands, one: Brought[Command], *, is_help: bool) -> None:
    """Adds a command; its arguments too, where it is the one that is run."""
    brought = one.value
    summary = brought.summary.replace("%", "%%")
    examples = brought.examples.strip("\n")
    parser = command(
        commands,
        one.name,
        summary,
        f"{brought.summary} (from {one.plugin})",
        "\n".join(f"  {line.strip()}" for line in examples.splitlines()),
    )
    parser.set_defaults(run=lambda given: _run(one, given))
    if is_help:
        return
    try:
        call_plugin(lambda: brought.add_arguments(parser), f"fails in `netspec {one.name}`")
    except Fault as problem:
        message = default_registry().disable(one.plugin.name, str(problem))
        raise SystemExit(usage_error(f"a plugin is disabled: {message}")) from None


def _run(one: Brought[Command], given: argparse.Namespace) -> int:
    """Runs it; what it raises is told as its plugin's mistake."""
    try:
        with keyboard_interrupts():
            code: object = one.value.run(given)
    except (SpecError, BrokenPipeError):
        raise
    except Exception as problem:
        return usage_error(f"{one.plugin.title} fails in `netspec {one.name}`: {failure(problem)}")
    if type(code) is not int:
        return usage_error(
            f"{one.plugin.title} gives {shown(code)} for `netspec {one.name}`, not an exit code"
        )
    return code
