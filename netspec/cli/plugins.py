"""``netspec plugins``"""

from __future__ import annotations

import argparse

from netspec.cli.output import Commands, command, output, print_json, width

EXAMPLES = """\
  netspec plugins
  netspec plugins --json
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "plugins",
        "list installed plugins and their problems",
        "List installed plugins, what each provides, and why one is disabled.",
        EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="plugins as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.registry import default_registry
    from netspec.render import plugin_values
    from netspec.render.layers import plugin_list

    plugins = default_registry().plugins()
    if given.json:
        print_json([plugin_values(plugin) for plugin in plugins])
    else:
        print(plugin_list(plugins, width(output())), file=output())
    return 0
