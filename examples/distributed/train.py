"""One process: trains the transformer under each placement, or alone without one.

``torchrun --nproc-per-node 2 -m examples.distributed.train PLACEMENT...``
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


def train(placement: str, steps: int) -> list[float]:
    """The losses of the steps: this is all that a program needs for any layout."""
    found = netspec.distribute(SPEC, placement, device="cpu", seed=0)
    optimizer = torch.optim.AdamW(found.model.parameters(), lr=3e-3)
    losses = []
    for step in range(steps):
        tokens = found.part(batch(step))
        loss = found.step(tokens[:, :-1], tokens[:, 1:], loss_of)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(found.mean(loss)))
    return losses


def train_alone(steps: int) -> list[float]:
    model = netspec.build(SPEC, device="cpu", seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for step in range(steps):
        tokens = batch(step)
        loss = loss_of(model(tokens[:, :-1]), tokens[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains under placements, or alone.")
    parser.add_argument("placements", metavar="FILE", nargs="*", help="placement documents")
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    torch.set_num_threads(1)
    trained = {Path(path).stem: train(path, given.steps) for path in given.placements}
    if not trained:
        trained["alone"] = train_alone(given.steps)
    if os.environ.get("RANK", "0") == "0":
        print(json.dumps(trained), flush=True)
    if distributed.is_initialized():
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
