"""What is planned of each spec is what torch makes and counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.sizes import evaluate
from netspec.testing.observation import SavedStorages
from tests.families.compare import tensors

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_one_symbolic_plan_tells_shapes_and_costs(path: Path) -> None:
    plan = netspec.plan(path)
    model = netspec.build(plan, device="meta").eval()
    assert plan.total_params == sum(parameter.numel() for parameter in model.parameters())
    for sizes in ({"N": 2, "T": 12, "H": 16, "W": 24}, {"N": 1, "T": 32, "H": 8, "W": 40}):
        inputs = _inputs(plan, sizes, "meta")
        with FlopCounterMode(display=False) as counter:
            outputs = tensors(model(*inputs))
        planned = [tuple(evaluate(size, sizes) for size in out.shape) for out in plan.outputs]
        assert planned == [tuple(output.shape) for output in outputs]
        assert 2 * evaluate(plan.total_macs, sizes) == counter.get_total_flops()


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_one_symbolic_plan_tells_what_training_saves(path: Path) -> None:
    plan = netspec.plan(path)
    model = netspec.build(plan, device="cpu").train()
    for sizes in ({"N": 16, "T": 32, "H": 16, "W": 24}, {"N": 64, "T": 12, "H": 8, "W": 40}):
        with SavedStorages(model) as saved:
            model(*_inputs(plan, sizes, "cpu"))
        planned = evaluate(plan.saved_for_backward().total, sizes)
        assert planned == pytest.approx(saved.nbytes, rel=0.05)


def _inputs(plan: netspec.Plan, sizes: dict[str, int], device: str) -> list[Tensor]:
    return [
        torch.zeros(
            [evaluate(size, sizes) for size in given.type.shape],
            dtype=getattr(torch, given.type.dtype),
            device=device,
        )
        for given in plan.inputs
    ]
