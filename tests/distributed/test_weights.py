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


def part_by_part(folder: str) -> tuple[dict[str, Tensor], float, list[bool]]:
    """A new head beside a file; a constant without a draw; two ties in two stages."""
    head = {"file": f"{folder}/model.pt", "rename": {r"^module\.": ""}, "fresh": ["head"]}
    options = {"weights": head, "seed": 1}
    loaded = weights(f"{folder}/model.yaml", PLACEMENT.replace("layers.*", "body"), options)
    plain = netspec.distribute(
        f"{folder}/model.yaml", PLACEMENT.replace("layers.*", "body"), device="cpu", init=False
    ).model
    constant = float(plain.get_buffer("norm.running_var").sum())
    stages = "placement: 1\nmesh: {pp: 2}\npipeline: {cut: [c]}\n"
    piped = netspec.distribute(f"{folder}/tied.yaml", stages, device="cpu", seed=0).model
    parameters = list(piped.parameters())
    return loaded, constant, [len(parameters) == 1, bool((parameters[0] != 0).any())]


def test_parts_are_fresh_and_ties_are_by_stage(tmp_path: Path) -> None:
    text = (
        "netspec: 1\ninput: [N, 6]\nlayers:\n"
        "  body: {linear: 6}\n  norm: batch_norm1d\n  head: {linear: 3}\n"
    )
    (tmp_path / "model.yaml").write_text(text)
    linear = "{linear: {out_features: 6, bias: false}}"
    tied = "".join(f"  {name}: {linear}\n" for name in "abcd")
    ties = "tie: {b.weight: a.weight, d.weight: c.weight}\n"
    (tmp_path / "tied.yaml").write_text(f"netspec: 1\ninput: [N, 6]\nlayers:\n{tied}{ties}")
    saved = netspec.build(netspec.loads(text), device="cpu", seed=0).state_dict()
    torch.save({f"module.{name}": value for name, value in saved.items()}, tmp_path / "model.pt")
    fresh = netspec.build(netspec.loads(text), device="cpu", seed=1).state_dict()
    for found, constant, stage in on_ranks(2, part_by_part, str(tmp_path)):
        for name, value in saved.items():
            assert torch.equal(found[name], fresh[name] if "head" in name else value), name
        assert constant == 6
        assert stage == [True, True]
