"""A plan as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from netspec.diagnostics import listed
from netspec.expansion import Call
from netspec.planning import Plan, PlannedChild, PlannedLayer, PlannedMerge, PlannedScope
from netspec.render.columns import Column, columns
from netspec.sizes import Size
from netspec.spec import Layer
from netspec.spec.writer import layer_text

_HEADS = (
    Column("name", shrink=True, least=12),
    Column("layer", shrink=True, least=14),
    Column("output", shrink=True, least=16),
    Column("parameters", right=True),
    Column("multiply-adds", right=True, shrink=True, least=14),
)


def plan_table(plan: Plan, width: int | None = None) -> str:
    """The plan as text: one line for each layer, then the totals and the conditions.

    Args:
        width: columns of the terminal; long cells are cut to fit. None cuts nothing.
    """
    inputs = ", ".join(f"{given.name} {given.type}" for given in plan.inputs)
    outputs = ", ".join(str(output) for output in plan.outputs)
    lines = [f"{plan.name or 'model'}: {inputs} -> {outputs}", ""]
    lines += columns(_HEADS, list(_rows(plan.root, 0)), width)
    lines += ["", *_totals(plan)]
    return "\n".join(lines)


def _rows(scope: PlannedScope, depth: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Children in the order of their calls; recursion is as deep as the nesting, at most 100."""
    for child in _in_order(scope):
        margin = "  " * depth
        if isinstance(child, PlannedMerge):
            word = "residual" if child.step.kind == "add" else "concat"
            yield margin + f"({word})", "", str(child.outputs[0]), "", ""
        elif isinstance(child, PlannedScope):
            yield margin + child.name + _device(child.device), "", "", "", ""
            yield from _rows(child, depth + 1)
        else:
            yield (
                margin + child.name + _device(child.device),
                written(child),
                str(child.outputs[0]),
                number(child.params) if child.params else "",
                number(child.macs) if child.macs != 0 else "",
            )


def _in_order(scope: PlannedScope) -> Iterator[PlannedChild | PlannedMerge]:
    if scope.steps is None:
        yield from scope.children
        return
    merges = iter(scope.merges)
    for step in scope.steps:
        yield scope.children[step.child] if isinstance(step, Call) else next(merges)


def _device(device: str | None) -> str:
    return f" @{device}" if device else ""


def written(layer: PlannedLayer) -> str:
    """The layer as one would write it, with the inferred arguments filled in."""
    defaults = layer.application.type.defaults
    shown = {
        name: value
        for name, value in layer.application.written.items()
        if name not in defaults or defaults[name] != value
    }
    obvious = layer.application.type.obvious_argument
    inferred = layer.application.type.inferred
    kept = {name: value for name, value in shown.items() if name not in inferred}
    if not kept:
        return layer.type
    if obvious is not None and list(kept) == [obvious]:
        return layer_text(Layer(layer.type, ((None, kept[obvious]),)))
    return layer_text(Layer(layer.type, tuple(kept.items())))


def _totals(plan: Plan) -> list[str]:
    lines = [
        f"{number(plan.total_params)} parameters ({amount(plan.total_params * 4)} as float32)",
        f"{number(plan.total_macs)} multiply-adds",
    ]
    least = [str(condition) for condition in plan.conditions if condition.least != 1]
    if least:
        lines.append(f"needs {listed(least)}")
    return lines


def number(size: Size) -> str:
    """``401,408`` or ``401,408*N``."""
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits.group()):,}", str(size))


def amount(size: int) -> str:
    """``2.6 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" else f"{size} B"
        value /= 1024
    return f"{value:,.1f} TiB"
