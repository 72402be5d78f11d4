"""``netspec build SPEC -o FILE``"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.cli.files import output_problem
from netspec.cli.input import add_choices, planned
from netspec.cli.output import Commands, command, output, print_diagnostics, print_json, usage_error
from netspec.declaration.tensor import FLOATING
from netspec.diagnostics import Diagnostic, Location, listed
from netspec.diagnostics.text import printable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netspec.placement.document import Placement
    from netspec.planning import Plan
    from netspec.weights import LoadedWeights

EXAMPLES = """\
  netspec build model.yaml -o model.safetensors   save the weights
  netspec build model.yaml -o model.pt --seed 0   with a seed
  netspec build model.yaml --weights model.pt     check and load weights
  netspec build model.yaml --weights '{file: model.pt, fresh: [down]}'
  netspec build model.yaml                        print the structure only
"""


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "build",
        "build the model, print it and save its weights",
        "Build the model with torch, print its structure and save its state_dict:\n"
        "fresh weights, or those of a file, whose names, shapes and dtypes are checked.",
        EXAMPLES,
    )
    parser.add_argument("spec", metavar="SPEC", help="a YAML file, or - for standard input")
    add_choices(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="a .safetensors, .pt or .pth file")
    parser.add_argument("--seed", type=seed, metavar="N", help="seed of fresh weights")
    parser.add_argument(
        "--seed-by",
        choices=("order", "path"),
        default="order",
        help="path: each layer draws from its own stream",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="a .safetensors or .pt file, or the .safetensors.index.json of several; or a mapping "
        "that selects tensors: "
        """'{file: a.pt, rename: {"^module\\\\.": ""}, fresh: [head]}'""",
    )
    parser.add_argument(
        "--dtype",
        choices=sorted(FLOATING),
        metavar="DTYPE",
        help=f"dtype of floating-point parameters and buffers: {listed(sorted(FLOATING), 'or')}; "
        "casts those of a file",
    )
    parser.add_argument(
        "--device", default="cpu", metavar="NAME", help="device: cpu (default), auto, cuda"
    )
    parser.add_argument(
        "--placement", metavar="FILE", help="devices and dtypes of layers: a placement document"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument("--json", action="store_true", help="names and shapes as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from netspec.api import build_and_report
    from netspec.diagnostics import SpecError
    from netspec.placement.document import read_placement
    from netspec.registry import default_registry
    from netspec.weights import read_weights

    problem = _output_problem(given.output, given.force) if given.output is not None else None
    if problem:
        return usage_error(problem)
    try:
        placement = read_placement(given.placement) if given.placement else None
        weights = placement.weights if placement is not None else None
        if given.weights is not None:
            if weights is not None:
                return usage_error("the placement says which weights to load: leave out --weights")
            weights = read_weights(given.weights, "command")
        if weights is not None and given.seed is not None and not weights.fresh:
            return usage_error("--weights come from the file: --seed is of no use")
        plan = planned(given.spec, given)
        model, loaded = build_and_report(
            plan,
            placement,
            weights,
            default_registry(),
            given.device,
            given.seed,
            given.seed_by,
            dtype=given.dtype,
        )
    except SpecError as error:
        return _refused(error.diagnostics, given.device)
    tensors: Mapping[str, Tensor] = model.state_dict()
    if given.output:
        on_meta = [name for name, tensor in tensors.items() if tensor.is_meta]
        if on_meta:
            return usage_error(f"{on_meta[0]} is on the meta device: it has no values to save")
        try:
            tensors = _write(model, Path(given.output))
        except OSError as error:
            return usage_error(f"cannot write {given.output}: {error.strerror}")
    if placement is not None:
        for note in _notes(plan, placement):
            print(note, file=sys.stderr)
    _report(model, tensors, loaded, given)
    return 0


def _notes(plan: Plan, placement: Placement) -> tuple[str, ...]:
    """What the strategies of a placement tell, which is known to be right."""
    from netspec.diagnostics import Diagnostics
    from netspec.placement.lay_out import lay_out
    from netspec.registry import default_registry

    layout = lay_out(plan, placement, default_registry(), Diagnostics())
    return () if layout is None else layout.notes


def _refused(found: Sequence[Diagnostic], device: str) -> int:
    """Prints the findings; a device that is not there is the command's mistake, or the spec's."""
    at_option = Location(f"--device {device}")
    from_command = [d.code == "no-device" and d.location.line is None for d in found]
    shown = [
        replace(diagnostic, location=at_option) if is_option else diagnostic
        for diagnostic, is_option in zip(found, from_command, strict=True)
    ]
    print_diagnostics(shown, sys.stderr)
    return 2 if all(from_command) else 1


def seed(text: str) -> int:
    if text.isdecimal() and len(text) < 20 and int(text) < 2**63:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from 0 to 2**63 - 1")


def _report(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    loaded: LoadedWeights | None,
    given: argparse.Namespace,
) -> None:
    if given.json:
        print_json(
            {
                "output": given.output,
                "weights": None if loaded is None else loaded.values(),
                "tensors": {
                    name: {"shape": list(tensor.shape), "dtype": str(tensor.dtype)[6:]}
                    for name, tensor in tensors.items()
                },
            }
        )
        return
    print("\n".join(printable(line) for line in str(model).splitlines()), file=output())
    if loaded is not None:
        print(f"\n{printable(str(loaded))}", file=output())
    if given.output:
        size = os.path.getsize(given.output)
        print(f"\n{given.output}: {len(tensors)} tensors, {size:,} bytes", file=output())


def _output_problem(output: str, force: bool) -> str | None:
    """What speaks against writing there, found before the model is built."""
    path = Path(output)
    if path.suffix not in (".safetensors", ".pt", ".pth"):
        return f"{output}: the name must end with .safetensors, .pt or .pth"
    if path.suffix == ".safetensors":
        from importlib.util import find_spec

        if find_spec("safetensors") is None:
            return "safetensors is not installed: pip install 'netspec[safetensors]', or use .pt"
    return output_problem(output, force)


def _write(model: nn.Module, path: Path) -> Mapping[str, Tensor]:
    """Write the tensors of a model; return those that are in the file."""
    from netspec.building.saving import save_safetensors, save_torch, under_one_key
    from netspec.files import written_whole

    tensors: Mapping[str, Tensor] = model.state_dict()
    save = save_torch
    if path.suffix == ".safetensors":
        save, tensors = save_safetensors, under_one_key(tensors)
    written = {key: tensor.contiguous() for key, tensor in tensors.items()}
    with written_whole(path) as file:
        save(written, file)
    return written
