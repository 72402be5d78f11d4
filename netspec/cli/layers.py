"""``netspec layers [NAME]``"""

from __future__ import annotations

import argparse
import sys

from netspec.cli.output import Commands, command, print_json, usage_error, width

EXAMPLES = """\
  netspec layers                 what can be written
  netspec layers conv2d          how it is written, with its arguments
  netspec layers --json
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "layers",
        "list the layers, or explain one",
        "Lists the layers, those of installed plugins too, or explains one of them.",
        EXAMPLES,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a layer, as conv2d or Conv2d")
    parser.add_argument("--json", action="store_true", help="layers and arguments as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.diagnostics import did_you_mean
    from netspec.layers.not_layers import why_not
    from netspec.registry import default_registry
    from netspec.render import layer_values
    from netspec.render.layers import layer_list, layer_page
    from netspec.source.nodes import shortened

    registry = default_registry()
    chosen = list(registry.layers().values())
    if given.name is not None:
        found = registry.find(given.name)
        if found is None:
            hint = why_not(given.name) or did_you_mean(given.name, registry.layers())
            hint = hint or "`netspec layers` lists all"
            return usage_error(f"{shortened(given.name)} is not a layer; {hint}")
        chosen = [found]
    if given.json:
        values = [layer_values(one.layer, one.plugin) for one in chosen]
        print_json(values[0] if given.name is not None else values)
    elif given.name is not None:
        print(layer_page(chosen[0], width(sys.stdout)))
    else:
        print(layer_list(chosen, width(sys.stdout)))
    return 0
