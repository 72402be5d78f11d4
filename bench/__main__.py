"""netspec's times beside those of hand-written torch, in one run: ``python -m bench``.

Run it from the repository root. ``--only build`` takes a part of it (forward, models, cold,
plugins, hooks, meta, load, planning), ``--rounds 20`` more rounds, ``--json`` prints the samples.

Each line compares two things that alternate within one run (A B A B), since two runs on a busy
machine compare nothing. "median" and "min" are the ratios of the medians and of the minima; the
aim is about the medians, as measured: a ratio of 1.003 misses an aim of 1, so look at the line "the
noise" beside it. The garbage collector runs as in any program.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable

from bench import build, cold, forward, hooks, load, meta, models, planning, plugins
from bench.measure import Line
from bench.table import table

SUBJECTS: dict[str, Callable[[int], list[Line]]] = {
    "planning": planning.lines,
    "cold": cold.lines,
    "plugins": plugins.lines,
    "hooks": hooks.lines,
    "meta": meta.lines,
    "build": build.lines,
    "load": load.lines,
    "forward": forward.lines,
    "models": models.lines,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="netspec's times beside those of hand-written torch."
    )
    parser.add_argument("--only", choices=SUBJECTS, help="measure this alone")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of A B (default 9)")
    parser.add_argument("--json", action="store_true", help="the samples, as JSON")
    given = parser.parse_args()
    # netspec-tools looks at each built model, which is not what is measured here.
    os.environ.setdefault("NETSPEC_PLUGINS", "torchvision")
    chosen = [given.only] if given.only else list(SUBJECTS)
    lines = [line for name in chosen for line in SUBJECTS[name](max(given.rounds, 1))]
    about = versions()
    if given.json:
        json.dump({"about": about, "lines": [line.values() for line in lines]}, sys.stdout)
        print()
        return 0
    print(about)
    print(table(lines))
    return 0


def versions() -> str:
    import torch
    import yaml

    return (
        f"{platform.machine()}, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}, PyYAML {yaml.__version__}"
    )


if __name__ == "__main__":
    sys.exit(main())
