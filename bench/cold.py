"""A check in a fresh process against importing torch in one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Line, compare
from bench.texts import FAMILIES, SEED_SPEC

CHAIN_AIM = 1 / 20
FAMILY_AIM = 1 / 2  # all variants of a family of torchvision


def lines(rounds: int) -> list[Line]:
    specs = {"netspec check, cold, against import torch": (SEED_SPEC, CHAIN_AIM, max(rounds, 3))}
    for path in sorted(FAMILIES.glob("*.yaml")):
        specs[f"- {path.name}, all variants"] = (path, FAMILY_AIM, max(rounds // 3, 3))
    with tempfile.TemporaryDirectory() as folder:
        # pip compiles what it installs, torch too; netspec's checkout gets its bytecode here.
        compiled = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        compiled.pop("PYTHONDONTWRITEBYTECODE", None)
        return [
            _line(what, path, aim, times, compiled) for what, (path, aim, times) in specs.items()
        ]


def _line(what: str, path: Path, aim: float, rounds: int, compiled: dict[str, str]) -> Line:
    return compare(
        what,
        lambda: _run("-m", "netspec", "check", str(path), environment=compiled),
        lambda: _run("-c", "import torch", environment=dict(os.environ)),
        aim,
        rounds,
    )


def _run(*arguments: str, environment: dict[str, str]) -> None:
    command = (sys.executable, *arguments)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
