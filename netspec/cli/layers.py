"""``netspec layers [NAME]``"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from netspec.cli.output import Commands, command, output, print_json, usage_error, width

if TYPE_CHECKING:
    from netspec.registry import RegisteredLayer

EXAMPLES = """\
  netspec layers                 all layers
  netspec layers conv2d          one layer with its arguments
  netspec layers --json
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "layers",
        "list the layers, or explain one",
        "List the layers, including those of installed plugins, or describe one.",
        EXAMPLES,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a layer, as conv2d or Conv2d")
    parser.add_argument("--json", action="store_true", help="layers and arguments as JSON")
    parser.set_defaults(run=run)


def _values(one: RegisteredLayer) -> dict[str, Any]:
    """What can be written of a layer; of a class, which is not imported for a list, its name."""
    from netspec.declaration import FromClass
    from netspec.render import layer_values

    if not isinstance(one.layer, FromClass):
        return layer_values(one.layer, one.plugin)
    return {
        "name": one.layer.name,
        "class": one.layer.target,
        "family": None,
        "summary": one.layer.summary,
        "arguments": None,  # `netspec layers NAME --json` has them
        "plugin": one.plugin.name,
        "package": one.plugin.package,
    }


def run(given: argparse.Namespace) -> int:
    from netspec.advice.layer_names import meant
    from netspec.declaration import UnreadableClass
    from netspec.diagnostics import listed
    from netspec.layers.not_layers import why_not
    from netspec.registry import default_registry
    from netspec.render import layer_values
    from netspec.render.layers import layer_list, layer_page
    from netspec.source.nodes import shortened

    registry = default_registry()
    if given.name is None:
        layers = registry.layers()
        if given.json:
            print_json([_values(one) for one in layers.values()])
        else:
            print(layer_list(layers, width(output())), file=output())
        return 0
    found = registry.candidates(given.name)
    if not found:
        near = meant(given.name, None, registry)
        hint = (
            why_not(given.name)
            or registry.remedy(given.name)
            or (f"did you mean {near.name}?" if near else "`netspec layers` lists all")
        )
        return usage_error(f"{shortened(given.name)} is not a layer; {hint}")
    if len(found) > 1:
        names = listed([one.full_name for one in found], "or")
        return usage_error(f"{given.name} is a layer of {len(found)} plugins; write {names}")
    (one,) = found
    try:
        if given.json:
            print_json(layer_values(one.layer, one.plugin))
        else:
            print(layer_page(one, width(output())), file=output())
    except UnreadableClass as problem:
        return usage_error(f"{one.layer.name} of {one.plugin.title} cannot be used: {problem}")
    return 0
