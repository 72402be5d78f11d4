"""Plans and specs as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from netspec.diagnostics.text import printable
from netspec.planning import Plan
from netspec.render.rows import Row, plan_rows
from netspec.render.table import plan_title, plan_totals

_MOST_ROWS = 1000
_MOST_LETTERS = 200_000
_LEFT = "padding: 0 0.5em; text-align: left; white-space: pre; font-family: monospace"
_RIGHT = "padding: 0 0.5em; text-align: right; white-space: nowrap; font-family: monospace"
# A call is long at times; its lines are broken where the notebook is narrow.
_CALL = "padding: 0 0.5em; text-align: left; font-family: monospace; overflow-wrap: anywhere"


def plan_html(plan: Plan) -> str:
    """The table of `plan_table` as HTML."""
    rows = plan_rows(plan)
    more = len(rows) - _MOST_ROWS
    totals = plan_totals(plan)
    if more > 0:
        totals.insert(0, f"{more:,} more rows: print(plan) shows all")
    heads = [("name", _LEFT), ("layer", _LEFT), ("output", _LEFT)]
    heads += [("params", _RIGHT), ("mult-adds", _RIGHT)]
    head = "".join(f'<th style="{style}">{title}</th>' for title, style in heads)
    body = "".join(map(_row, rows[:_MOST_ROWS]))
    last = "".join(f"<div>{_text(line)}</div>" for line in totals)
    return (
        f"<div><div><b>{_text(plan_title(plan))}</b></div>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{last}</div>"
    )


def _row(row: Row) -> str:
    name = f"{'  ' * row.depth}{row.name}"
    cells = [(name, _LEFT), (row.call, _CALL), (row.output, _LEFT)]
    cells += [(row.params, _RIGHT), (row.macs, _RIGHT)]
    made = "".join(f'<td style="{style}">{_text(cell)}</td>' for cell, style in cells)
    return f"<tr>{made}</tr>"


def text_html(text: str) -> str:
    """A text of several lines, as it is."""
    shown = text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}..."
    return f"<pre>{escape(chr(10).join(map(printable, shown.splitlines())))}</pre>"


def _text(text: str) -> str:
    return escape(printable(text))
