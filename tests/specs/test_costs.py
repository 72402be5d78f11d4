"""What is planned of each spec is what torch makes and counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.sizes import evaluate
from tests.families.compare import tensors

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_one_symbolic_plan_tells_shapes_and_costs(path: Path) -> None:
    plan = netspec.plan(path)
    model = netspec.build(plan, device="meta").eval()
    assert plan.total_params == sum(parameter.numel() for parameter in model.parameters())
    for sizes in ({"N": 2, "T": 12, "H": 16, "W": 24}, {"N": 1, "T": 32, "H": 8, "W": 40}):
        inputs = [
            torch.zeros(
                [evaluate(size, sizes) for size in given.type.shape],
                dtype=getattr(torch, given.type.dtype),
                device="meta",
            )
            for given in plan.inputs
        ]
        with FlopCounterMode(display=False) as counter:
            outputs = tensors(model(*inputs))
        planned = [tuple(evaluate(size, sizes) for size in out.shape) for out in plan.outputs]
        assert planned == [tuple(output.shape) for output in outputs]
        assert 2 * evaluate(plan.total_macs, sizes) == counter.get_total_flops()
