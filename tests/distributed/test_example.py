"""``python -m examples.distributed``, the one test that starts processes as users do: torchrun."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_strategy_trains_as_one_process() -> None:
    command = [sys.executable, "-m", "examples.distributed", "--steps", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    _, alone, *lines = (line.rsplit(maxsplit=3) for line in done.stdout.splitlines())
    placements = sorted((ROOT / "examples" / "distributed" / "placements").glob("*.yaml"))
    assert [name for name, *_ in lines] == [path.stem for path in placements]
    expected = [float(loss) for loss in alone[-2:]]
    for _, *losses, _ in lines:  # other machines add up in another order
        assert [float(loss) for loss in losses] == pytest.approx(expected, abs=2e-3)
