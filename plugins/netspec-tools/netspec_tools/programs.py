"""A model as a program of ``torch.export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from netspec.plugin import Plan, Refusal, Size

BATCH = 2  # torch.export takes a size of 1 for one that is always 1


def write(model: nn.Module, plan: Plan, path: Path) -> None:
    """Writes the program of a model in evaluation, which ``torch.export.load`` reads.

    Sizes that are only names (``N``) stay free.

    Raises:
        Refusal: a size of an input is computed, or the model cannot be traced.
    """
    names: dict[str, Any] = {}
    example = []
    shapes = []
    for given in plan.inputs:
        dims: dict[int, Any] = {}
        sizes = []
        for place, size in enumerate(given.type.shape):
            if not isinstance(size, int):
                dims[place] = names.setdefault(str(size), torch.export.Dim.AUTO)
                size = _example(size)
            sizes.append(size)
        dtype: torch.dtype = getattr(torch, given.type.dtype)
        example.append(torch.zeros(sizes, dtype=dtype))
        shapes.append(dims)
    try:
        program = torch.export.export(model.eval(), tuple(example), dynamic_shapes=tuple(shapes))
    except Exception as problem:
        reason = str(problem).strip().partition("\n")[0]
        raise Refusal(f"torch.export cannot trace it: {type(problem).__name__}: {reason}") from None
    torch.export.save(program, path)


def _example(size: Size) -> int:
    return BATCH
