"""A checkpoint of one layout is gone on from in another, and as plain safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netspec
from netspec.distributed import consolidate, load_checkpoint, save_checkpoint
from tests.distributed.ranks import on_ranks
from tests.distributed.training import SPECS, batch, loss_of

LLAMA = SPECS / "llama_like.yaml"
TENSOR = "placement: 1\nmesh: {tp: 2}\ntensor_parallel: [layers.*]\n"
FSDP = "placement: 1\nmesh: {dp: 2}\nfsdp: [layers.*]\n"
PIPELINE = "placement: 1\nmesh: {pp: 2}\npipeline: {schedule: interleaved}\n"


def went_on(placement: str, first: int, last: int, load: str, save: str) -> list[float]:
    """The losses of some steps, which begin with a checkpoint and end with one."""
    found = netspec.distribute(LLAMA, placement, device="cpu", seed=0)
    optimizer = torch.optim.AdamW(found.model.parameters(), lr=1e-2)
    if load:
        load_checkpoint(found, load, optimizer)
    losses = []
    for step in range(first, last):
        tokens = found.part(batch(step))
        losses.append(float(found.mean(found.step(tokens, tokens, loss_of))))
        optimizer.step()
        optimizer.zero_grad()
    if save:
        save_checkpoint(found, save, optimizer)
    return losses


def refused(placement: str, folder: str) -> list[str]:
    found = netspec.distribute(LLAMA, placement, device="cpu", seed=0, params={"dim": 32})
    messages = []
    for path in (folder, f"{folder}/nothing"):
        with pytest.raises(netspec.SpecError) as caught:
            load_checkpoint(found, path)
        assert caught.value.diagnostics[0].code == "bad-checkpoint"
        messages.append(str(caught.value))
    return messages


def test_training_goes_on_in_another_layout_and_alone(tmp_path: Path) -> None:
    def folder(name: str) -> str:
        return str(tmp_path / name)

    def run(*arguments: Any) -> list[float]:
        first, second = on_ranks(2, went_on, *arguments)
        assert first == second
        return list(first)

    expected = run(TENSOR, 0, 9, "", "")
    found = run(TENSOR, 0, 3, "", folder("tensor"))
    found += run(PIPELINE, 3, 6, folder("tensor"), folder("pipeline"))
    found += run(FSDP, 6, 9, folder("pipeline"), folder("fsdp"))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)

    consolidate(folder("pipeline"), tmp_path / "model.safetensors")
    model = netspec.build(LLAMA, device="cpu", weights=tmp_path / "model.safetensors")
    tokens = batch(6)
    assert float(loss_of(model(tokens), tokens).detach()) == pytest.approx(expected[6], abs=1e-4)

    for wrong, nothing in on_ranks(2, refused, FSDP, folder("fsdp")):
        assert "embed_tokens.weight is [64, 32], but [64, 48] in the checkpoint" in wrong
        assert "this is no checkpoint of torch.distributed" in nothing
