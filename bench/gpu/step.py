"""A training step whose loss costs nothing, so that only the model is measured."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class GivesOnes(torch.autograd.Function):
    """A loss of 0, whose gradient is 1 everywhere: no memory but that of the gradient."""

    @staticmethod
    def forward(ctx: Any, output: Tensor) -> Tensor:
        ctx.like = output.shape, output.dtype, output.device
        return output.new_zeros(())

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> Tensor:
        shape, dtype, device = ctx.like
        return torch.ones(shape, dtype=dtype, device=device)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, *inputs: Tensor) -> None:
    """One step; its gradients stay."""
    output = model(*inputs)
    GivesOnes.apply(output).backward()
    optimizer.step()
