"""A plan as a table for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from netspec.amounts import amount, brief_number, memory, number
from netspec.diagnostics import listed
from netspec.diagnostics.text import display_width, printable
from netspec.planning import Plan
from netspec.render.columns import Column, columns, filled, wrapped
from netspec.render.rows import Row, plan_rows
from netspec.render.totals import unless_beyond_limits

_MOST_LINES = 3  # of a total
_NO_ROOM = (
    "a wider terminal shows the multiply-adds of each layer, and so do --json and, with numbers, "
    "--batch and --size"
)
_JOINED = (
    Column("layer"),
    Column("output"),
    Column("params", right=True),
    Column("mult-adds", right=True),
)
_APART = (Column("name"), *_JOINED)
_Form = tuple[Sequence[Column], Sequence[Sequence[str]]]


def plan_table(
    plan: Plan, width: int | None = None, depth: int | None = None, unfold: bool = False
) -> str:
    """The plan as text: a line for each layer, then the totals and the conditions.

    Args:
        width: the most columns, into which long cells are filled in several lines. None is no
            limit.
        depth: how many containers deep layers are shown.
        unfold: whether equal blocks that follow each other are shown one by one.
    """
    rows = plan_rows(plan, depth, unfold)
    table, has_all = _table(rows, width)
    totals = plan_totals(plan)
    if not has_all:
        totals.append(_NO_ROOM)
    lines = [*_fitted(plan_title(plan), width), "", *table, ""]
    for text in totals:
        lines += _fitted(text, width)
    return "\n".join(lines)


def terminal_width() -> int:
    """The columns of the terminal, or those of ``COLUMNS``; 80 where there is neither."""
    return shutil.get_terminal_size().columns


def plan_title(plan: Plan) -> str:
    """``Net: input [N, 8] -> [N, 2]``."""
    inputs = ", ".join(f"{given.name} {given.type}" for given in plan.inputs)
    outputs = ", ".join(str(output) for output in plan.outputs)
    return f"{plan.name or 'model'}: {inputs} -> {outputs}"


def plan_summary(plan: Plan) -> str:
    """``Net: input [N, 8] -> [N, 2], 3 layers, 178 parameters``."""
    count = sum(not layer.is_reused for layer in plan.layers)
    title = printable(plan_title(plan))
    return f"{title}, {count:,} layers, {number(plan.total_params)} parameters"


def plan_totals(plan: Plan) -> list[str]:
    """What a whole plan takes, and the conditions on its sizes."""
    trained = f", {number(plan.trained_params)} of them trained" if plan.frozen else ""
    size = amount(plan.total_params * 4)
    lines = [f"{number(plan.total_params)} parameters ({size} as float32){trained}"]
    macs = unless_beyond_limits(lambda: plan.total_macs)
    if macs is not None:
        uncounted = f", those of {listed(plan.uncounted)} not counted" if plan.uncounted else ""
        lines.append(f"{number(macs)} multiply-adds{uncounted}")
    saved = unless_beyond_limits(plan.saved_for_backward)
    if saved is not None:
        lines.append(f"{memory(saved.total)} saved for backward")
    least = [str(condition) for condition in plan.conditions if condition.least != 1]
    if least:
        lines.append(f"needs {listed(least)}")
    return lines


def _fitted(text: str, width: int | None) -> list[str]:
    lines = wrapped(printable(text), width, "  ")
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], "  ... (see --json)"]


def _table(rows: Sequence[Row], width: int | None) -> tuple[list[str], bool]:
    """The lines, and whether they have the multiply-adds.

    The first form that is narrow enough: names beside layers, names before layers (``0: relu``),
    the latter over several lines, with rounded multiply-adds, and all without multiply-adds.
    """
    rows = [row._replace(macs=macs) for row, macs in zip(rows, _short_macs(rows), strict=True)]
    apart = [
        (_indented(row) + row.name, row.call, row.output, row.params, row.macs) for row in rows
    ]
    joined = [(_joined(row), row.output, row.params, row.macs) for row in rows]
    has_macs = any(row.macs for row in rows)
    forms: list[_Form] = [(_APART, apart), (_JOINED, joined)]
    without: list[_Form] = [(heads[:-1], [row[:-1] for row in cells]) for heads, cells in forms]
    if width is None:
        return columns(*(forms if has_macs else without)[0]), True
    for form in forms if has_macs else ():
        lines = columns(*form)
        if max(map(display_width, lines)) <= width:
            return lines, True
    brief = [(*cells[:-1], brief_number(cells[-1])) for cells in joined]
    for cells in (joined, brief) if has_macs else ():
        lines = filled(_JOINED, cells, width, whole=True)
        if lines and max(map(display_width, lines)) <= width:
            return lines, True
    for form in without:
        lines = columns(*form)
        if max(map(display_width, lines)) <= width:
            return lines, not has_macs
    return filled(*without[1], width), not has_macs


def _short_macs(rows: Sequence[Row]) -> list[str]:
    """The multiply-adds; those of a container with names only if no longer than a layer's."""
    longest = max([len(row.macs) for row in rows if not row.is_container], default=0)
    return [
        "" if row.is_container and "*" in row.macs and len(row.macs) > longest > 0 else row.macs
        for row in rows
    ]


def _indented(row: Row) -> str:
    return "  " * row.depth


def _joined(row: Row) -> str:
    between = ": " if row.call and not row.call.startswith("(") else " "
    return f"{_indented(row)}{row.name}{between}{row.call}".rstrip()
