"""A run as text for the terminal, and as ``docs/benchmarks.md``."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from bench.measure import Line
from bench.peers.aims import Aim
from bench.peers.mistakes import MISTAKES
from bench.peers.peer import PEERS
from bench.peers.rows import ROWS
from bench.peers.run import Results, Verdict

Cells = Sequence[Sequence[str]]

STAGES = {
    "checked": "check",
    "built": "build",
    "forward": "forward",
    "accepted": "ACCEPTED",
    "ran": "RAN IT",
    "none": "-",
}
MEANING = """\
check: refused before anything is built. build: refused while it is built (torchinfo: summed up).
forward: builds, and fails with the first batch. ACCEPTED: taken, and the model is another than
what was written. RAN IT: the command was run. -: there is no way to write it."""
HEAD = ("", "ms", "by hand, ms", "median", "min")

INTRODUCTION = """\
# Benchmarks

netspec beside its peers, in one run of one command from the repository root:

```sh
{command}
```

The command makes `.venv-peers` with the newest releases of the peers, and writes this page with
`--write`. {rounds} rounds on {machine}; {date}.

## How to read the tables

Each peer has a process of its own. There a sample of the peer and one of hand-written torch that
does the same alternate, and the processes take turns, one sample each, in every round. "median"
and "min" are the ratios of the medians and of the minima to those of hand-written torch in the
same process; compare ratios, not milliseconds. A sample begins with a collected heap. The rows are
sorted by "median", below 1 is faster than hand-written torch. "by hand again" is hand-written
torch beside itself: what differs from 1 there is the noise of this run. What takes longer than 1 s
is measured three times, what takes longer than 30 s is stopped. Models that are built have the
same parameters, and models that are run the same weights and outputs as the hand-written one.

Not all ways do the same work: netspec infers the sizes, checks them and says where a mistake
is, MMEngine and hydra call constructors. "Plan", "Spec" and "graph read" begin with what was read
before. config-networks' `only_shape` computes shapes and checks none, torchinfo and MMEngine run
the model.
"""


class About(NamedTuple):
    """Where and when a run was."""

    machine: str
    date: str
    command: str
    rounds: int
    versions: dict[str, str]


def text(results: Results, reading: Sequence[Line], found: Sequence[Aim], about: About) -> str:
    parts = [f"{about.machine}; {about.date}", _versions(results, about)]
    for key, row in ROWS.items():
        parts.append(f"{row.title}; by hand: {row.reference}\n{aligned(_row(results, key))}")
    parts.append(f"Planning from text\n{aligned(_reading(reading))}")
    parts.append(f"Ten wrong specs\n{aligned(_verdicts(results))}\n\n{MEANING}")
    parts.append(_messages(results))
    parts.append(f"Aims\n{aligned(_aims(found))}")
    return "\n\n".join(parts)


def page(results: Results, reading: Sequence[Line], found: Sequence[Aim], about: About) -> str:
    parts = [
        INTRODUCTION.format(**about._asdict()) + f"\nVersions: {_versions(results, about)}.",
        "## Aims",
        markdown(_aims(found)),
    ]
    for key, row in ROWS.items():
        parts += [f"## {row.title}", f"By hand: {row.reference}."]
        parts.append(markdown(_row(results, key)))
    parts += ["## Planning from text", markdown(_reading(reading))]
    parts += ["## Ten wrong specs", MEANING, markdown(_verdicts(results))]
    parts.append(f"The first words of what each says:\n\n{_messages(results)}")
    return "\n\n".join(parts) + "\n"


# ---- tables


def aligned(rows: Cells) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column and _is_number(cell) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(rows: Cells) -> str:
    head, *body = [[_escaped(cell) for cell in row] for row in rows]
    sides = [
        "---:" if column and all(_is_number(row[column]) for row in body) else "---"
        for column in range(len(head))
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, sides, *body))


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(",", "").replace(".", "").isdigit()


# ---- their rows


def _versions(results: Results, about: About) -> str:
    return ", ".join(f"{results.names[name]} {about.versions[name]}" for name in PEERS)


def _row(results: Results, key: str) -> Cells:
    measured = [each for each in results.measured if each.row == key]
    timed = sorted(
        ((each.line.of_medians, each.label, each.line) for each in measured if each.line),
        key=lambda each: each[0],
    )
    rows = [HEAD, *((label, *_numbers(line)) for _, label, line in timed)]
    return rows + [
        (f"{each.label}: {each.reason}", *[""] * 4) for each in measured if not each.line
    ]


def _reading(reading: Sequence[Line]) -> Cells:
    head = ("", "netspec, ms", "CSafeLoader, ms", "median", "min")
    return [head, *((line.what, *_numbers(line)) for line in reading)]


def _numbers(line: Line) -> tuple[str, ...]:
    times = (_milliseconds(line.ours), _milliseconds(line.reference))
    return (*times, f"{_short(line.of_medians)}", f"{_short(line.of_minima)}")


def _milliseconds(samples: Sequence[float]) -> str:
    milliseconds = statistics.median(samples) * 1e3
    return f"{milliseconds:,.3f}" if milliseconds < 10 else f"{milliseconds:,.1f}"


def _short(ratio: float) -> str:
    return f"{ratio:.5f}" if ratio < 0.1 else f"{ratio:.3f}" if ratio < 10 else f"{ratio:,.1f}"


def _verdicts(results: Results) -> Cells:
    head = ("", *(results.names[name] for name in PEERS))
    return [
        head,
        *(
            (f"{number}. {mistake.what}", *(STAGES[verdicts[name].stage] for name in PEERS))
            for number, (mistake, verdicts) in enumerate(
                zip(MISTAKES.values(), results.verdicts.values(), strict=True), 1
            )
        ),
    ]


def _messages(results: Results) -> str:
    parts = []
    for number, (key, mistake) in enumerate(MISTAKES.items(), 1):
        lines = [
            f"   - {results.names[name]}, {_said(verdict)}"
            for name, verdict in results.verdicts[key].items()
        ]
        parts.append("\n".join([f"{number}. {mistake.what}", *lines]))
    return "\n".join(parts)


def _said(verdict: Verdict) -> str:
    if verdict.stage == "none":
        return f"-: {verdict.says}"
    return f"{STAGES[verdict.stage]}: `` {verdict.says} ``"  # what is said may have backticks


def _aims(found: Sequence[Aim]) -> Cells:
    rows = [(aim.what, aim.found, "met" if aim.is_met else "MISSED") for aim in found]
    return [("aim", "this run", ""), *rows]
