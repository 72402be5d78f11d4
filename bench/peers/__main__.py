"""netspec beside its peers, in one run: ``python -m bench.peers``.

Run it from the repository root; it takes some ten minutes. It makes ``.venv-peers`` with the
peers' newest releases where that is not there (``--renew`` makes it again), measures them, gives
each the same ten wrong specs, and prints what came of it. ``--write`` writes it into
``docs/benchmarks.md`` too, ``--rounds 20`` measures more rounds.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from bench import planning
from bench.peers import page
from bench.peers.aims import aims
from bench.peers.environment import ROOT, environment
from bench.peers.rows import THREADS
from bench.peers.run import run

PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description="netspec's times and errors beside its peers'."
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of samples (default 9)")
    parser.add_argument("--renew", action="store_true", help="install the newest releases again")
    parser.add_argument("--write", action="store_true", help=f"write docs/{PAGE.name} too")
    given = parser.parse_args()
    rounds = max(given.rounds, 1)
    versions = environment(given.renew)
    where = machine()
    results = run(versions, rounds)
    print("planning from text", flush=True)
    # Those against PyYAML; the others are about netspec alone.
    reading = [line for line in planning.lines(rounds) if line.aim == planning.AIM]
    found = aims(results, reading)
    about = page.About(where, f"{datetime.date.today()}", command(), rounds, versions)
    print(f"\n{page.text(results, reading, found, about)}")
    if given.write:
        PAGE.write_text(page.page(results, reading, found, about))
        print(f"\nwrote docs/{PAGE.name}")
    return 0


def command() -> str:
    return " ".join(["python -m bench.peers", *sys.argv[1:]])


def machine() -> str:
    """What it is, and how busy others keep it."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, torch on {THREADS}, {_load()}"
        f"{platform.system()}, Python {platform.python_version()}, torch {version('torch')}"
    )


def _load() -> str:
    try:
        return f"load average {os.getloadavg()[0]:.1f} before the run, "
    except (AttributeError, OSError):  # Windows has none
        return ""


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
