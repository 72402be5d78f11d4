"""One process: trains the transformer under a placement, or alone without one.

``torchrun --nproc-per-node 2 -m examples.distributed.train --placement FILE``
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch
from torch import Tensor, distributed
from torch.nn import functional

import netspec

HERE = Path(__file__).parent
SPEC = HERE / "transformer.yaml"
TEXT = HERE.parents[1] / "docs" / "language.md"
LENGTH, BATCH = 64, 8


def batch(step: int) -> Tensor:
    """Pieces of a text as bytes: ``(BATCH, LENGTH + 1)``, the same in every process."""
    text = torch.frombuffer(bytearray(TEXT.read_bytes()), dtype=torch.uint8).long()
    draw = torch.Generator().manual_seed(step)
    starts = torch.randint(len(text) - LENGTH - 1, (BATCH,), generator=draw)
    return torch.stack([text[start : start + LENGTH + 1] for start in starts.tolist()])


def loss_of(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), target.flatten())


def train(placement: str | None, steps: int) -> list[float]:
    """The losses of the steps, averaged over the processes."""
    if placement is None:
        model, count, mine = netspec.build(SPEC, device="cpu", seed=0), 1, 0
    else:
        found = netspec.distribute(SPEC, placement, device="cpu", seed=0)
        model = found.model
        count = found.context.layout.mesh.axes.get("dp", 1)
        mine = found.context.place("dp") if count > 1 else 0
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for step in range(steps):
        tokens = batch(step).chunk(count)[mine]
        loss = loss_of(model(tokens[:, :-1]), tokens[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        value = loss.detach().clone()
        if count > 1:
            distributed.all_reduce(value)
            value /= count
        losses.append(float(value))
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains under a placement, or alone.")
    parser.add_argument("--placement", metavar="FILE", help="a placement document")
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    losses = train(given.placement, given.steps)
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(losses), flush=True)
    if distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
