"""netspec on a GPU: ``python -m bench.gpu`` from the repository root, in under four minutes.

Needs torch, PyYAML and pluggy alone. Times are those of netspec beside hand-written torch
(torchvision's resnet50, where it is), in turn within one run; the aim is a ratio of medians of at
most 1.02. Memory is that which ``netspec.memory`` tells beside torch.cuda's counts; the aim is
within 5 %. A part that fails says why, and the others go on; one that would begin after the
``--seconds`` is left out. ``--device cpu --small`` is a try without a GPU.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import netspec
from bench.gpu import memories, times
from bench.gpu.subjects import Subject, llama, mlp, resnet
from bench.measure import Line
from bench.table import table

Part = tuple[str, Callable[[], list[Line] | memories.Compared]]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description="netspec on a GPU beside hand-written torch."
    )
    parser.add_argument("--device", default="cuda", help="cuda (default), or cpu for a try")
    parser.add_argument("--small", action="store_true", help="small models, for a try")
    parser.add_argument("--rounds", type=int, default=11, help="samples of each (default 11)")
    parser.add_argument("--seconds", type=float, default=215, help="begin no part after these")
    parser.add_argument("--only", metavar="NAME", default="", help="memory, eager, `eager: llama`")
    parser.add_argument("--output", metavar="FILE", type=Path, help="all results as JSON")
    given = parser.parse_args(arguments)
    device = torch.device(given.device, 0) if given.device == "cuda" else torch.device(given.device)
    begin = time.perf_counter()
    about = _about(device)
    print(about, flush=True)
    compared: list[memories.Compared] = []
    lines: list[Line] = []
    left_out: dict[str, str] = {}
    for name, part in parts(device, given.small, max(given.rounds, 1)):
        if not name.startswith(given.only):
            continue
        passed = time.perf_counter() - begin
        if passed > given.seconds:
            left_out[name] = f"left out: {passed:.0f} s have passed"
            continue
        try:
            found = part()
        except Exception as problem:  # the others shall be measured still
            traceback.print_exc()
            left_out[name] = f"failed: {type(problem).__name__}: {problem}"[:500]
        else:
            if isinstance(found, memories.Compared):
                compared.append(found)
            else:
                lines += found
        print(f"{name}: {time.perf_counter() - begin - passed:.1f} s", flush=True)
        _clean(device)
    _print_results(compared, lines, left_out)
    results: dict[str, Any] = {
        "about": about,
        "memory": [one.values() for one in compared],
        "lines": [line.values() for line in lines],
        "left_out": left_out,
    }
    text = json.dumps(results)
    if given.output is None:
        print(text)
    else:
        given.output.write_text(text, "utf-8")
    return 0


def parts(device: torch.device, small: bool, rounds: int) -> list[Part]:
    """In the order of their weight: compilation takes the longest, and comes last."""
    found: list[Part] = []
    for make, dtype, foreach in (
        (mlp, "float32", False),
        (mlp, "float32", True),
        (mlp, "bfloat16", True),
        (resnet, "float32", False),
        (resnet, "float32", True),
        (resnet, "bfloat16", True),
        (llama, "bfloat16", False),
        (llama, "bfloat16", True),
    ):
        name = f"memory: {make.__name__} {dtype} foreach={foreach}"
        found.append((name, _memory(make, small, device, dtype, foreach)))
    for is_compiled in (False, True):
        for make in (llama, resnet):
            name = f"{'compiled' if is_compiled else 'eager'}: {make.__name__}"
            found.append((name, _times(make, small, device, is_compiled, rounds)))
    return found


def _memory(
    make: Callable[[bool], Subject], small: bool, device: torch.device, dtype: str, foreach: bool
) -> Callable[[], memories.Compared]:
    return lambda: memories.compare(make(small), device, dtype, foreach)


def _times(
    make: Callable[[bool], Subject], small: bool, device: torch.device, compiled: bool, rounds: int
) -> Callable[[], list[Line]]:
    return lambda: times.lines(make(small), device, "bfloat16", is_compiled=compiled, rounds=rounds)


def _print_results(
    compared: list[memories.Compared], lines: list[Line], left_out: dict[str, str]
) -> None:
    if compared:
        rows = [memories.HEAD, *[one.cells() for one in compared]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            first, *others = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
            print("  ".join([row[0].ljust(len(first)), *others]))
        print("ratio: peak told / (peak - workspaces); workspaces were there before the step\n")
    if lines:
        print(table(lines))
    for name, why in left_out.items():
        print(f"{name}: {why}")


def _about(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return f"netspec {netspec.__version__}, torch {torch.__version__}, {name}"


def _clean(device: torch.device) -> None:
    torch.compiler.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


if __name__ == "__main__":
    raise SystemExit(main())
