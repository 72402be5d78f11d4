"""Running statistics under recomputation, and over the ranks of a batch, as DDP has them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import netspec
from tests.distributed.ranks import on_ranks

SPEC = (
    "netspec: 1\ninput: [N, 3, 4]\nlayers:\n"
    "  stem: {conv1d: {out_channels: 4, kernel_size: 3}}\n"
    "  body: [batch_norm1d, relu, {conv1d: {out_channels: 4, kernel_size: 1}},\n"
    "    {batch_norm1d: {momentum: null}}]\n"
    "  head: [flatten, linear: 2]\n"
)
LAYOUTS = {
    "copies": "mesh: {dp: 2}\ndata_parallel:\n",
    "shards": "mesh: {dp: 2}\nfsdp: [body]\n",
    "recomputed": "mesh: {dp: 2}\nfsdp: [body]\ncheckpoint: [body]\n",
    "replicated shards": "mesh: {re: 2, dp: 1}\nfsdp: {replicate: re}\n",
}


def batch(step: int) -> Tensor:
    return torch.randn(8, 3, 4, generator=torch.Generator().manual_seed(step)) + step


def loss_of(outputs: Tensor, _: Tensor) -> Tensor:
    return outputs.square().mean()


def trained(model: nn.Module, step_of: Any) -> dict[str, Tensor]:
    """The buffers after four steps."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(4):
        step_of(batch(step))
        optimizer.step()
        optimizer.zero_grad()
    return {key: value.clone() for key, value in model.named_buffers()}


def of_layouts() -> dict[str, dict[str, Tensor]]:
    buffers = {}
    for name, layout in LAYOUTS.items():
        text = "placement: 1\n" + layout
        found = netspec.distribute(netspec.loads(SPEC), text, device="cpu", seed=0)

        def step_of(inputs: Tensor, found: Any = found) -> None:
            found.step(found.part(inputs), found.part(inputs), loss_of)

        buffers[name] = trained(found.model, step_of)
    model = netspec.build(netspec.loads(SPEC), device="cpu", seed=0)
    wrapped = DistributedDataParallel(model)
    rank = torch.distributed.get_rank()

    def step_wrapped(inputs: Tensor) -> None:
        loss_of(wrapped(inputs.chunk(2)[rank]), inputs).backward()  # type: ignore[no-untyped-call]

    buffers["DDP"] = trained(model, step_wrapped)
    return buffers


def test_ranks_of_a_batch_have_the_buffers_of_ddp() -> None:
    first, second = on_ranks(2, of_layouts)
    expected = first["DDP"]
    assert not torch.equal(expected["body.0.running_mean"], second["DDP"]["body.0.running_mean"])
    for name in LAYOUTS:
        for rank in (first, second):
            torch.testing.assert_close(rank[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layers", ["body", "body.*"])
def test_a_recomputation_counts_a_batch_once(layers: str) -> None:
    found = []
    for placement in (None, {"placement": 1, "checkpoint": [layers]}):
        model = netspec.build(netspec.loads(SPEC), placement=placement, device="cpu", seed=0)

        def step_of(inputs: Tensor, model: nn.Module = model) -> None:
            loss_of(model(inputs), inputs).backward()  # type: ignore[no-untyped-call]

        found.append(trained(model, step_of))
        assert found[-1]["body.0.num_batches_tracked"] == 4
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
