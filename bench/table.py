"""The comparisons as text."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.measure import Line

HEAD = ("", "netspec", "reference", "median", "min", "aim", "")


def table(lines: Sequence[Line]) -> str:
    rows = [HEAD, *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(line: Line) -> tuple[str, ...]:
    met = "" if line.aim is None else "met" if line.of_medians <= line.aim else "NOT MET"
    return (
        line.what,
        _ms(line.ours),
        _ms(line.reference),
        _ratio(line.of_medians),
        _ratio(line.of_minima),
        "" if line.aim is None else f"<= {line.aim:g}",
        met,
    )


def _ms(samples: Sequence[float]) -> str:
    milliseconds = statistics.median(samples) * 1e3
    return f"{milliseconds:,.3f} ms" if milliseconds < 1 else f"{milliseconds:,.1f} ms"


def _ratio(ratio: float) -> str:
    return f"{ratio:.3f}"
