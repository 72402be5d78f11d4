"""Copies and shards over the batch, on real gloo processes, against one process."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from tests.distributed.ranks import on_ranks
from tests.distributed.training import trained

BLOCKS = {"llama_like": "layers.*", "gpt2_like": "h.*"}
NORM = {"llama_like": "norm", "gpt2_like": "ln_f"}
FSDP = "placement: 1\nmesh: {dp: 2}\nfsdp: [BLOCKS]\n"
ALL = (
    "placement: 1\nmesh: {dp: 2}\nfsdp: {layers: [BLOCKS, NORM], reshard_after_forward: false}\n"
    "checkpoint: [BLOCKS]\n"
)
TIED = (
    "placement: 1\nmesh: {dp: 2, tp: 2}\nfsdp: [h.*]\n"
    "tensor_parallel: {layers: [h.*], row: [wte], gather: [lm_head]}\n"
)
DDP = "placement: 1\nmesh: {dp: 2}\ndata_parallel:\n"


@cache
def alone(spec: str) -> dict[str, Any]:
    (found,) = on_ranks(1, trained, spec, None)
    return dict(found)


@pytest.mark.parametrize("placement", [FSDP, ALL, DDP], ids=["fsdp", "all", "ddp"])
@pytest.mark.parametrize("spec", BLOCKS)
def test_two_ranks_train_as_one_does(spec: str, placement: str) -> None:
    expected = alone(spec)
    found = on_ranks(
        2,
        trained,
        spec,
        placement.replace("BLOCKS", BLOCKS[spec]).replace("NORM", NORM[spec]),
    )
    for rank in found:
        torch.testing.assert_close(rank["losses"], expected["losses"], rtol=1e-4, atol=1e-5)
        assert list(rank["weights"]) == list(expected["weights"])
        assert rank["names"] == expected["names"]
        torch.testing.assert_close(rank["gradients"], expected["gradients"], rtol=1e-3, atol=1e-5)
    assert expected["losses"][-1] < expected["losses"][0]


def test_tied_weights_stay_one_where_they_are_divided() -> None:
    expected = alone("gpt2_like")
    for rank in on_ranks(4, trained, "gpt2_like", TIED):
        torch.testing.assert_close(rank["losses"], expected["losses"], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(rank["gradients"], expected["gradients"], rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(rank["weights"]["wte.weight"], rank["weights"]["lm_head.weight"])
