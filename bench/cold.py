"""A check in a fresh process against importing torch in one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from bench.measure import Line, compare
from bench.texts import SEED_SPEC

CHECK = ("-m", "netspec", "check", str(SEED_SPEC))


def lines(rounds: int) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        # pip compiles what it installs, torch too; netspec's checkout gets its bytecode here.
        compiled = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        compiled.pop("PYTHONDONTWRITEBYTECODE", None)
        return [
            compare(
                "netspec check, cold, against import torch",
                lambda: _run(*CHECK, environment=compiled),
                lambda: _run("-c", "import torch", environment=dict(os.environ)),
                1 / 20,
                max(rounds, 3),
            )
        ]


def _run(*arguments: str, environment: dict[str, str]) -> None:
    command = (sys.executable, *arguments)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
