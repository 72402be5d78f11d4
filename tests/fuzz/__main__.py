"""``python -m tests.fuzz --minutes 60``: mutated documents, until the time is over.

Each kind of failure is printed once, with the number that makes its document again:
``python -m tests.fuzz --case 1234``.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from random import Random
from types import FrameType

from tests.fuzz.laws import broken
from tests.fuzz.mutations import mutated

SECONDS = 10.0  # of the cpu, for one document
MEGABYTES = 500  # that one document may add to the most that was used
HANGS = 60.0


class Hangs(Exception):
    """A document takes far too long."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first case")
    parser.add_argument("--case", type=int, metavar="N", help="one case, printed with its failure")
    parser.add_argument("--no-build", action="store_true", help="do not build what is accepted")
    given = parser.parse_args()
    if given.case is not None:
        tree = mutated(Random(given.case))
        print(json.dumps(tree, indent=1))
        print(broken(tree, build=not given.no_build) or "ok")
        return 0
    return run(given.minutes, given.first, build=not given.no_build)


def run(minutes: float, first: int, *, build: bool) -> int:
    if build:
        import torch  # noqa: F401, before memory is looked at
    signal.signal(signal.SIGALRM, _hangs)
    end = time.monotonic() + 60 * minutes
    seen: dict[str, int] = {}
    number = first
    while time.monotonic() < end:
        tree = mutated(Random(number))
        memory, start = _megabytes(), time.process_time()
        signal.setitimer(signal.ITIMER_REAL, HANGS)
        try:
            failure = broken(tree, build=build)
        except Hangs:
            failure = "it hangs"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        used, grown = time.process_time() - start, _megabytes() - memory
        if failure is None and used > SECONDS:
            failure = f"slow: {used:.0f} seconds"
        if failure is None and grown > MEGABYTES:
            failure = f"large: {grown:.0f} MB"
        if failure is not None:
            kind = failure.partition("'")[0][:100]
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] == 1:
                print(f"case {number}: {failure}", flush=True)
        number += 1
    print(f"{number - first:,} cases, {len(seen)} kinds of failures", flush=True)
    for kind, count in sorted(seen.items(), key=lambda entry: -entry[1]):
        print(f"{count:6} {kind}")
    return 1 if seen else 0


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _hangs(signal_: int, frame: FrameType | None) -> None:
    raise Hangs


if __name__ == "__main__":
    sys.exit(main())
