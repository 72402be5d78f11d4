"""Trains in every strategy with torchrun, and alone: ``python -m examples.distributed``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from netspec.placement.document import read_placement

HERE = Path(__file__).parent
TRAIN = "examples.distributed.train"
PLACEMENTS = sorted((HERE / "placements").glob("*.yaml"))
TOLERANCE = 1e-3


def losses_of(command: list[str]) -> list[float]:
    """
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
    losses: list[float] = json.loads(done.stdout.strip().splitlines()[-1])
    return losses


def main() -> int:
    alone = losses_of(["-m", TRAIN])
    width = max(len(path.stem) for path in PLACEMENTS)
    print(f"{'one process':{width}}  loss {alone[0]:.4f} -> {alone[-1]:.4f}")
    worst = 0.0
    for path in PLACEMENTS:
        begin = time.perf_counter()
        count = read_placement(path).mesh.ranks
        options = ["--standalone", "--nproc-per-node", str(count), "-m", TRAIN]
        losses = losses_of(["-m", "torch.distributed.run", *options, "--placement", str(path)])
        apart = max(abs(one - other) for one, other in zip(losses, alone, strict=True))
        worst = max(worst, apart)
        print(
            f"{path.stem:{width}}  loss {losses[0]:.4f} -> {losses[-1]:.4f}, at most {apart:.1e} "
            f"from one process; {count} processes, {time.perf_counter() - begin:.0f} s",
            flush=True,
        )
    return 0 if worst < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
