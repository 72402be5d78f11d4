"""Tensor parallel, pipelines and their combinations, on real gloo processes, against one."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from tests.distributed.ranks import on_ranks
from tests.distributed.training import trained

SPLIT = "tensor_parallel: {layers: [layers.*], row: [embed_tokens], gather: [lm_head]}\n"
TWO = {
    "tensor": "mesh: {tp: 2}\n" + SPLIT,
    "compiled": "mesh: {tp: 2}\ntensor_parallel: [layers.*]\ncheckpoint: [layers.*]\n"
    "compile: {layers: [layers.0], backend: aot_eager}\n",
    "gpipe": "mesh: {pp: 2}\npipeline: {schedule: gpipe, microbatches: 4}\n",
    "1f1b": "mesh: {pp: 2}\npipeline: {cut: [layers.1], microbatches: 4}\n",
    "interleaved": "mesh: {pp: 2}\npipeline: {schedule: interleaved}\n",
}
FOUR = {
    "fsdp and tensor": "mesh: {dp: 2, tp: 2}\nfsdp: [layers.*]\n" + SPLIT,
    "copies and tensor": "mesh: {dp: 2, tp: 2}\ndata_parallel:\n" + SPLIT,
    "pipeline and copies": "mesh: {pp: 2, dp: 2}\npipeline: 2\ndata_parallel:\n",
    "interleaved and fsdp": "mesh: {pp: 2, dp: 2}\npipeline: {schedule: interleaved}\nfsdp:\n",
    "pipeline and tensor": "mesh: {pp: 2, tp: 2}\npipeline: 2\n" + SPLIT,
    "shards and copies": "mesh: {re: 2, dp: 2}\nfsdp: {layers: [layers.*], replicate: re}\n",
}


@cache
def alone() -> dict[str, Any]:
    (found,) = on_ranks(1, trained, "llama_like", None)
    return dict(found)


@pytest.mark.parametrize(
    ("count", "text"),
    [*((2, text) for text in TWO.values()), *((4, text) for text in FOUR.values())],
    ids=[*TWO, *FOUR],
)
def test_ranks_train_as_one_process_does(count: int, text: str) -> None:
    expected = alone()
    seen: dict[str, set[str]] = {"gradients": set(), "weights": set()}
    near = {"gradients": 1e-5, "weights": 1e-3}  # steps add up what rounding makes different
    for rank in on_ranks(count, trained, "llama_like", "placement: 1\n" + text):
        torch.testing.assert_close(rank["losses"], expected["losses"], rtol=1e-4, atol=1e-5)
        for what, names in seen.items():
            wanted = {name: expected[what][name] for name in rank[what]}
            torch.testing.assert_close(rank[what], wanted, rtol=1e-3, atol=near[what])
            names |= set(wanted)
    for what, names in seen.items():
        assert names == set(expected[what])
