"""A plan as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from netspec.declaration import TensorType
from netspec.declaration.arguments import spelled
from netspec.diagnostics import listed
from netspec.diagnostics.text import printable
from netspec.planning import Plan, PlannedChild, PlannedLayer, PlannedParameter, PlannedScope, Step
from netspec.render.columns import Column, columns, cut, wrapped
from netspec.render.totals import unless_beyond_limits
from netspec.sizes import Size

_NOTHING = object()
_MOST_LINES = 3  # of a total, on a terminal


def _cut_call(text: str, width: int) -> str:
    """``conv2d(64, 3, ...)``: only whole arguments, the first ones."""
    if len(text) <= width:
        return text
    for end in range(min(len(text), width - len(", ...)")), 0, -1):
        kept = text[:end]
        if text.startswith(", ", end) and kept.count("[") == kept.count("]"):
            return kept + ", ...)"
    return cut(text, width)


_HEADS = (
    Column("name", least=14, order=2),
    Column("layer", least=22, order=1, cut=_cut_call),
    Column("output", least=24, order=3),
    Column("params", right=True),
    Column("mult-adds", right=True, optional=True),
)


def plan_table(plan: Plan, width: int | None = None) -> str:
    """The plan as text: one line for each layer, then the totals and the conditions.

    Args:
        width: columns of the terminal; long cells are cut to fit. None cuts nothing.
    """
    inputs = ", ".join(f"{given.name} {given.type}" for given in plan.inputs)
    outputs = ", ".join(str(output) for output in plan.outputs)
    table = columns(_HEADS, list(_rows(plan.root, 0)), width)
    totals = _totals(plan)
    if not table[0].endswith(_HEADS[-1].title):
        totals.append("a wider terminal shows the multiply-adds of each layer, and so does --json")
    lines = [*_fitted(f"{plan.name or 'model'}: {inputs} -> {outputs}", width), "", *table, ""]
    for text in totals:
        lines += _fitted(text, width)
    return "\n".join(lines)


def _fitted(text: str, width: int | None) -> list[str]:
    lines = wrapped(printable(text), width, "  ")
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], "  ... (see --json)"]


def _rows(scope: PlannedScope, depth: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Children in the order of their calls; recursion is as deep as the nesting, at most 100."""
    for child in _in_order(scope):
        margin = "  " * depth
        if isinstance(child, Step):
            yield (
                margin + f"({child.kind})",
                "",
                _outputs(child.output_types),
                "",
                _dense(number(child.macs)) if child.macs != 0 else "",
            )
        elif isinstance(child, PlannedParameter):
            shape = f"[{', '.join(map(str, child.shape))}]"
            yield margin + child.name, "parameter", shape, number(child.numel), ""
        elif isinstance(child, PlannedScope):
            yield margin + child.name + _device(child.device) + _again(child), "", "", "", ""
            yield from _rows(child, depth + 1)
        else:
            yield (
                margin + child.name + _device(child.device) + _again(child),
                written(child) + _trusted(child),
                _outputs(child.outputs),
                number(child.params) if child.params else "",
                _dense(number(child.macs)) if child.macs != 0 else "",
            )


def _in_order(scope: PlannedScope) -> Iterator[PlannedChild | PlannedParameter | Step]:
    yield from scope.parameters
    if scope.steps is None:
        yield from scope.children
        return
    for step in scope.steps:
        if step.planned is not None:
            yield step.planned
        elif step.kind != "parameter":
            yield step


def _outputs(types: tuple[TensorType, ...]) -> str:
    return ", ".join(_dense(type) for type in types)


def _device(device: str | None) -> str:
    return f" @{device}" if device else ""


def _again(child: PlannedLayer | PlannedScope) -> str:
    """What stands beside a further call of the same child."""
    return " (again)" if child.is_reused else ""


def _trusted(child: PlannedLayer) -> str:
    """What stands beside a layer whose shapes are not those of a rule."""
    return "" if child.trust == "rule" else f" ({child.trust})"


def _dense(size: object) -> str:
    """``(H+1)//2``, which takes less room than ``(H + 1)//2``."""
    return str(size).replace(" + ", "+").replace(" - ", "-")


def written(layer: PlannedLayer) -> str:
    """The layer as a call, as with the Builder: ``conv2d(64, 3, padding=1)``.

    Without the arguments that are inferred, and those that are as they are by default.
    """
    type = layer.application.type
    bare = (type.obvious_argument,) if type.obvious_argument is not None else type.required
    given = {
        name: spelled(value)
        for name, value in layer.application.written.items()
        if name not in type.inferred and type.defaults.get(name, _NOTHING) != value
    }
    shown = [given.pop(name) for name in bare if name in given]
    shown += [f"{name}={value}" for name, value in given.items()]
    return f"{type.name}({', '.join(shown)})" if shown else type.name


def _totals(plan: Plan) -> list[str]:
    lines = [f"{number(plan.total_params)} parameters ({amount(plan.total_params * 4)} as float32)"]
    macs = unless_beyond_limits(lambda: plan.total_macs)
    if macs is not None:
        lines.append(f"{number(macs)} multiply-adds")
    saved = unless_beyond_limits(plan.saved_for_backward)
    if saved is not None:
        lines.append(f"{memory(saved.total)} saved for backward")
    least = [str(condition) for condition in plan.conditions if condition.least != 1]
    if least:
        lines.append(f"needs {listed(least)}")
    return lines


def number(size: Size) -> str:
    """``401,408`` or ``401,408*N``."""
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits.group()):,}", str(size))


def memory(size: Size) -> str:
    """``2.6 MiB``, ``7.1 KiB*N + 64 B`` or, of several names, ``12*H*N*W bytes``."""
    if isinstance(size, int):
        return amount(size)
    one_name = re.fullmatch(r"(\d+)\*([A-Za-z]\w*)(?: \+ (\d+))?", str(size))
    if one_name is None:
        return f"{number(size)} bytes"
    times, name, rest = one_name.groups()
    return f"{amount(int(times))}*{name}" + (f" + {amount(int(rest))}" if rest else "")


def amount(size: int) -> str:
    """``2.6 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.1f} {unit}" if unit != "B" else f"{size} B"
        value /= 1024
    return f"{value:,.1f} TiB"
