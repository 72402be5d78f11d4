"""Trains in every strategy with torchrun, and alone: ``python -m examples.distributed``."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TRAIN = "examples.distributed.train"
PLACEMENTS = sorted((HERE / "placements").glob("*.yaml"))
PROCESSES = 2
TOLERANCE = 1e-3


def losses_of(command: list[str]) -> dict[str, list[float]]:
    """What a run prints: losses by the names of placements.

    Raises:
        SystemExit: the command failed; what it said is shown.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=HERE.parents[1],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    losses: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return losses


def main() -> int:
    parser = argparse.ArgumentParser(description="Trains in every strategy, and alone.")
    parser.add_argument("--steps", type=int, default=20)
    steps = ["--steps", str(parser.parse_args().steps)]
    torchrun = ["-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node", str(PROCESSES), "-m", TRAIN]
    ((_, alone),) = losses_of(["-m", TRAIN, *steps]).items()
    trained = losses_of([*torchrun, *map(str, PLACEMENTS), *steps])
    width = max(len(name) for name in trained)
    print(f"{'':{width}}  first loss  last loss  at most from one process")
    print(f"{'one process':{width}}  {alone[0]:10.4f}  {alone[-1]:9.4f}")
    worst = 0.0
    for name, losses in trained.items():
        apart = max(abs(one - other) for one, other in zip(losses, alone, strict=True))
        worst = max(worst, apart)
        print(f"{name:{width}}  {losses[0]:10.4f}  {losses[-1]:9.4f}  {apart:24.0e}")
    return 0 if worst < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
