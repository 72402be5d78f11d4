"""Weights of a file: against construction and load_state_dict, and against meta and assign."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import netspec
from bench.measure import Line, compare
from bench.texts import chain

WIDTH, DEPTH = 4096, 16  # 1 GiB of float32
MEMORY = """
import json, sys
from bench.load import WAYS, peak
before = peak()
model = WAYS[sys.argv[1]](sys.argv[2])
loaded = peak()
for parameter in model.parameters():
    float(parameter.detach().sum())
print(json.dumps([loaded - before, peak() - before]))
"""


def peak() -> int:
    """The most bytes that the process had in memory; Linux has the number."""
    status = Path("/proc/self/status").read_text("utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def spec() -> netspec.Spec:
    return netspec.loads(chain((f"- linear: {WIDTH}",), DEPTH, f"[N, {WIDTH}]"))


def by_netspec(file: str) -> nn.Module:
    return netspec.build(spec(), device="cpu", weights=file)


def by_hand() -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(DEPTH)))


def by_construction(file: str) -> nn.Module:
    from safetensors.torch import load_file

    model = by_hand()
    model.load_state_dict(load_file(file))
    return model


def by_assignment(file: str) -> nn.Module:
    from safetensors.torch import load_file

    with torch.device("meta"):
        model = by_hand()
    model.load_state_dict(load_file(file), assign=True)
    return model


WAYS: dict[str, Callable[[str], nn.Module]] = {
    "netspec": by_netspec,
    "construction": by_construction,
    "assignment": by_assignment,
}


def lines(rounds: int) -> list[Line]:
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model.safetensors")
        save_file(by_hand().state_dict(), file)
        report_memory(file)
        return [
            compare(
                "load 1 GiB of weights, against construction and load_state_dict",
                lambda: by_netspec(file),
                lambda: by_construction(file),
                1 / 20,
                min(rounds, 5),
            ),
            compare(
                "- against meta and assign",
                lambda: by_netspec(file),
                lambda: by_assignment(file),
                1.1,
                rounds * 3,
            ),
        ]


def report_memory(file: str) -> None:
    """The peak of each way's memory over what it had before, to the standard error."""
    size = Path(file).stat().st_size
    for way in WAYS:
        command = [sys.executable, "-c", MEMORY, way, file]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        loaded, used = json.loads(done.stdout)
        print(
            f"peak memory, {way}: {loaded / size:.2f} of the file when loaded, "
            f"{used / size:.2f} when all weights were read",
            file=sys.stderr,
        )
