"""``netspec export SPEC -o FILE``"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from netspec.cli.build import seed
from netspec.cli.files import output_problem
from netspec.cli.input import add_choices, planned
from netspec.cli.output import Commands, command, output, usage_error
from netspec.declaration import Exporter, Refusal, imported
from netspec.diagnostics import listed
from netspec.diagnostics.failure import failure
from netspec.files import CannotWrite, written_whole
from netspec.planning import Plan
from netspec.registry import Brought, Registry, default_registry
from netspec.source.nodes import shortened

EXAMPLES = """\
  netspec export model.yaml -o model.mmd            a diagram (netspec-tools)
  netspec export model.yaml -o model.pt2 --seed 0   torch.export (netspec-tools)
  netspec export model.yaml -o model.txt --format mermaid
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "export",
        "write the model in another format",
        "Write the model, or its plan, in a format of a plugin.\n"
        "The suffix of FILE selects the format, unless --format does.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file, or - for standard input")
    add_choices(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    parser.add_argument("--format", metavar="NAME", help="the format, whatever the suffix of FILE")
    parser.add_argument("--seed", type=seed, metavar="N", help="seed of fresh weights")
    parser.add_argument("--weights", metavar="FILE", help="a .safetensors or .pt file")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    registry = default_registry()
    one = _chosen(given, registry)
    problem = one if isinstance(one, str) else output_problem(given.output, given.force)
    if given.weights and given.seed is not None:
        problem = "--weights come from the file: --seed is of no use"
    if not isinstance(one, str) and one.value.needs == "plan":
        if given.weights or given.seed is not None:
            problem = f"{one.value.name} has no weights: --weights and --seed are of no use"
    if problem or isinstance(one, str):
        return usage_error(str(problem))
    plan = planned(given.spec, given)
    arguments = (*_model(one.value, plan, given), plan)
    try:
        with written_whole(Path(given.output)) as file:
            _write(one.value, arguments, file)
    except Refusal as refusal:
        help = f"; {refusal.help}" if refusal.help else ""
        return _failed(f"{one.value.name} cannot hold {given.spec}: {refusal.message}{help}")
    except CannotWrite as error:
        return usage_error(f"cannot write {given.output}: {error}")
    except Exception as problem_:
        reason = failure(problem_)
        return usage_error(f"{one.plugin.title} fails to export {one.value.name}: {reason}")
    size = os.path.getsize(given.output)
    print(f"{given.output}: {one.value.name}, {size:,} bytes", file=output())
    return 0


def _failed(message: str) -> int:
    """The spec cannot be exported, which is no mistake of the command."""
    usage_error(message)
    return 1


def _chosen(given: argparse.Namespace, registry: Registry) -> Brought[Exporter] | str:
    """The exporter of the format, or why there is none."""
    if given.format is not None:
        found = list(registry.exporters_named(given.format))
        what = f"the format {shortened(given.format)!r}"
        hint = registry.remedy_for("exporters", given.format)
    else:
        name = Path(given.output).name
        fitting = [one for one in registry.exporters().values() if name.endswith(one.value.suffix)]
        longest = max((len(one.value.suffix) for one in fitting), default=0)
        found = [one for one in fitting if len(one.value.suffix) == longest]
        what = f"a file called {shortened(name)}"
        hint = registry.remedy_for("suffixes", Path(name).suffix)
    if len(found) == 1:
        return found[0]
    if found:
        ways = listed([f"`--format {one.full_name}`" for one in found], "or")
        return f"several exporters write {what}: choose with {ways}"
    disabled = [f"a plugin is disabled: {plugin.problem}" for plugin in registry.disabled()]
    formats = [f"{name} ({one.value.suffix})" for name, one in registry.exporters().items()]
    are = "are" if len(formats) > 1 else "is"
    known = f"there {are} {listed(formats)}" if formats else "no installed plugin has any"
    return "; ".join([f"no exporter writes {what}", *disabled, hint or known])


def _model(exporter: Exporter, plan: Plan, given: argparse.Namespace) -> tuple[Any, ...]:
    """The model, where the exporter needs it.

    Raises:
        SpecError: it cannot be built.
    """
    if exporter.needs == "plan":
        return ()
    from netspec.api import build

    return (build(plan, device="cpu", seed=given.seed, weights=given.weights),)


def _write(exporter: Exporter, arguments: tuple[Any, ...], file: Path) -> None:
    """Call the exporter.

    Raises:
        Exception: it fails, or writes nothing.
    """
    imported(exporter.target)(*arguments, file)
    if not file.is_file() or file.stat().st_size == 0:
        raise ValueError("it wrote nothing")
