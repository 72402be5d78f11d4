"""``netspec diff A.yaml B.yaml``: two plans, row by row."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from netspec.plugin import Plan, PlannedLayer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="A", help="a YAML file")
    parser.add_argument("new", metavar="B", help="another one")
    parser.add_argument("--variant", metavar="NAME", help="one of the variants of both")


def run(given: argparse.Namespace) -> int:
    """Prints what is different; 0 where nothing is, else 1, as ``diff`` does.

    Raises:
        SpecError: one of the specs is wrong.
    """
    import netspec

    old = netspec.plan(given.old, variant=given.variant)
    new = netspec.plan(given.new, variant=given.variant)
    lines = list(differences(old, new))
    for line in lines:
        print(line)
    return 1 if lines else 0


def differences(old: Plan, new: Plan) -> Iterator[str]:
    """A line ``- row`` or ``+ row`` for each row of the one plan that the other has not."""
    from difflib import SequenceMatcher  # here, as each check imports this module

    before, after = _rows(old), _rows(new)
    for change, i1, i2, j1, j2 in SequenceMatcher(None, before, after, False).get_opcodes():
        if change != "equal":
            yield from (f"- {row}" for row in before[i1:i2])
            yield from (f"+ {row}" for row in after[j1:j2])
    if old.total_params != new.total_params:
        change_ = new.total_params - old.total_params
        yield f"  parameters: {old.total_params:,} -> {new.total_params:,} ({change_:+,})"


def _rows(plan: Plan) -> list[str]:
    inputs = [f"{given.name}: {given.type}" for given in plan.inputs]
    parameters = [f"{own.path}: parameter {list(own.shape)}" for own in plan.parameters]
    return [*inputs, *parameters, *map(_row, plan.layers)]


def _row(layer: PlannedLayer) -> str:
    """``0: linear(in_features=8, out_features=4) -> [N, 4]``, with what is not as by default."""
    declared = layer.application.type
    names = [*declared.arguments, *sorted(set(layer.arguments) - set(declared.arguments))]
    arguments = ", ".join(
        f"{name}={layer.arguments[name]}"
        for name in names
        if name in layer.arguments
        and (name not in declared.defaults or declared.defaults[name] != layer.arguments[name])
    )
    outputs = ", ".join(map(str, layer.outputs))
    again = " (again)" if layer.is_reused else ""
    return f"{layer.path}: {layer.type}({arguments}) -> {outputs}{again}"
