"""What the processes of a test do: train on a part of each batch, and tell what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import netspec

SPECS = Path(__file__).resolve().parents[2] / "specs"
STEPS = 20


def batch(step: int) -> Tensor:
    """Eight sequences that count from a number each."""
    first = torch.randint(0, 64, (8, 1), generator=torch.Generator().manual_seed(step))
    return (first + torch.arange(12)) % 64


def loss_of(logits: Tensor, tokens: Tensor) -> Tensor:
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def trained(spec: str, placement: str | None) -> dict[str, Any]:
    """Losses of 20 steps, and the first gradients and last weights in full, of this rank."""
    if placement is None:
        model = netspec.build(SPECS / f"{spec}.yaml", device="cpu", seed=0)
        found = None
    else:
        found = netspec.distribute(SPECS / f"{spec}.yaml", placement, device="cpu", seed=0)
        model = found.model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    gradients: dict[str, Tensor] = {}
    for step in range(STEPS):
        tokens = batch(step)
        if found is None:
            loss = loss_of(model(tokens), tokens)
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            tokens = found.part(tokens)
            loss = found.mean(found.step(tokens, tokens, loss_of))
        if step == 0:
            gradients = {
                name: whole(parameter.grad)
                for name, parameter in model.named_parameters()
                if parameter.grad is not None
            }
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return {
        "losses": losses,
        "gradients": gradients,
        "weights": {key: whole(value) for key, value in model.state_dict().items()},
        "names": [name for name, _ in model.named_parameters()],
    }


def whole(value: Tensor) -> Tensor:
    full = getattr(value, "full_tensor", None)
    return (full() if full is not None else value).detach().clone()
