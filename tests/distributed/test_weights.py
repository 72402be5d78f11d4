"""Weights of distributed models: those of one process, drawn or of a file, and read in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.tensor import DTensor

import netspec
from tests.distributed.ranks import on_ranks

SPECS = Path(__file__).resolve().parents[2] / "specs"
PLACEMENT = "placement: 1\nmesh: {dp: 2}\nfsdp: [layers.*]\n"
LLAMA = SPECS / "llama_like.yaml"


def weights(spec: str, placement: str, options: dict[str, Any]) -> dict[str, Tensor]:
    """All parameters and buffers in full."""
    model = netspec.distribute(spec, placement, device="cpu", **options).model
    held = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers())}
    return {
        key: value.full_tensor() if isinstance(value, DTensor) else value
        for key, value in held.items()
    }


def local_numel(spec: str, placement: str) -> int:
    model = netspec.distribute(spec, placement, device="cpu", seed=0).model
    return sum(
        parameter.to_local().numel() if isinstance(parameter, DTensor) else parameter.numel()
        for parameter in model.parameters()
    )


def test_they_are_those_of_one_process_by_order_and_by_path() -> None:
    for seed_by in ("order", "path"):
        model = netspec.build(LLAMA, device="cpu", seed=3, seed_by=seed_by)
        expected = dict(model.named_parameters())
        options = {"seed": 3, "seed_by": seed_by}
        for found in on_ranks(2, weights, str(LLAMA), PLACEMENT, options):
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert torch.equal(found[name], value), name


def test_without_a_seed_all_ranks_have_the_same() -> None:
    first, second = on_ranks(2, weights, str(LLAMA), PLACEMENT, {})
    for name, value in first.items():
        assert torch.equal(value, second[name])


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_they_are_those_of_a_file(dtype: str | None, tmp_path: Path) -> None:
    text = (
        "netspec: 1\ninput: [N, 3, 8, 8]\nlayers:\n"
        "  stem: {conv2d: {out_channels: 5, kernel_size: 3}}\n  norm: batch_norm2d\n"
        "  body: [flatten, linear: 7]\n  head: {linear: 3}\n"
    )
    model = netspec.build(netspec.loads(text), device="cpu", seed=0)
    model(torch.randn(4, 3, 8, 8))
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "model.yaml").write_text(text)
    options = {"weights": str(tmp_path / "model.safetensors"), "dtype": dtype}
    placement = PLACEMENT.replace("layers.*", "body, stem")
    for found in on_ranks(2, weights, str(tmp_path / "model.yaml"), placement, options):
        for name, value in model.state_dict().items():
            wanted = value if dtype is None or not value.is_floating_point() else value.bfloat16()
            assert torch.equal(found[name], wanted), name


def test_each_rank_holds_its_part() -> None:
    total = netspec.plan(LLAMA).total_params
    parts = on_ranks(2, local_numel, str(LLAMA), PLACEMENT)
    assert sum(parts) == total
    assert max(parts) < 0.51 * total


def test_another_number_of_processes_is_told_with_the_command() -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.distribute(LLAMA, PLACEMENT)
    (found,) = caught.value.diagnostics
    assert found.code == "wrong-ranks"
    assert "<placement>:2:7: error: the mesh has 2 ranks, but this is one process" in str(found)
    assert "torchrun --nproc-per-node 2" in str(found)


def test_arguments_exclude_each_other_as_in_build() -> None:
    planned = netspec.plan(LLAMA)
    with pytest.raises(TypeError, match="a Plan has its variant and params already"):
        netspec.distribute(planned, PLACEMENT, params={"depth": 1})
    with pytest.raises(TypeError, match="seed and init are of no use"):
        netspec.distribute(planned, PLACEMENT, weights="model.pt", seed=0)


def test_wrong_weights_are_told_before_anything_is_loaded(tmp_path: Path) -> None:
    save_file({"embed.weight": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(AssertionError, match="tensors are missing"):
        on_ranks(
            2, weights, str(LLAMA), PLACEMENT, {"weights": str(tmp_path / "model.safetensors")}
        )
