"""Tensor parallel, pipelines and their combinations, on real gloo processes, against one."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from tests.distributed.ranks import on_ranks
from tests.distributed.training import trained

TENSOR = "tensor_parallel: {layers: [layers.*], row: [embed_tokens], gather: [lm_head]}\n"
LAYOUTS = {
    "tensor": (2, "mesh: {tp: 2}\n" + TENSOR),
}


@cache
def alone(spec: str) -> dict[str, Any]:
    (found,) = on_ranks(1, trained, spec, None, None)
    return dict(found)


@pytest.mark.parametrize("name", LAYOUTS)
def test_ranks_train_as_one_process_does(name: str) -> None:
    count, text = LAYOUTS[name]
    expected = alone("llama_like")
    found = on_ranks(count, trained, "llama_like", "placement: 1\n" + text, None)
    for rank in found:
        torch.testing.assert_close(rank["losses"], expected["losses"], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(rank["gradients"], expected["gradients"], rtol=1e-3, atol=1e-5)
