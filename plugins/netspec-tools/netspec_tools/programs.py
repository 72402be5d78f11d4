"""A model as a program of ``torch.export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from netspec.plugin import OutputFile, Plan, Refusal

LEAST = 2  # torch.export takes a size of 1 for one that is always 1


def write(model: nn.Module, plan: Plan, path: Path) -> None:
    """Writes the program of a model in evaluation, which ``torch.export.load`` reads.

    Sizes that are only names (``N``) stay free.

    Raises:
        Refusal: the model cannot be traced.
    """
    least = {condition.symbol: condition.least for condition in plan.conditions}
    example: list[torch.Tensor] = []
    dims: list[dict[int, Any]] = []
    for given in plan.inputs:
        free = {
            place: size for place, size in enumerate(given.type.shape) if not isinstance(size, int)
        }
        dims.append(dict.fromkeys(free, torch.export.Dim.AUTO))
        sizes = [
            size if isinstance(size, int) else max(LEAST, least.get(str(size)) or 0)
            for size in given.type.shape
        ]
        example.append(torch.zeros(sizes, dtype=getattr(torch, given.type.dtype)))
    try:
        program = torch.export.export(model.eval(), tuple(example), dynamic_shapes=tuple(dims))
    except Exception as problem:
        reason = str(problem).strip().partition("\n")[0]
        raise Refusal(f"torch.export cannot trace it: {type(problem).__name__}: {reason}") from None
    with OutputFile(path) as file:
        torch.export.save(program, file)
