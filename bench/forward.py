"""A forward pass of batch 1 against hand-written modules with the same weights."""

from __future__ import annotations

import torch
from torch import nn

import netspec
from bench.measure import Line, compare
from bench.texts import NAMED, RESIDUALS, ResidualBlock, chain, linear_relu


def lines(rounds: int) -> list[Line]:
    blocks = nn.Sequential(*(ResidualBlock() for _ in range(50)))
    return [
        _forward("forward, 100 layers", chain(NAMED, 100), linear_relu(100), 1.0, rounds),
        _forward("forward, 50 residual blocks", chain(RESIDUALS, 50), blocks, None, rounds),
    ]


def _forward(what: str, text: str, by_hand: nn.Module, aim: float | None, rounds: int) -> Line:
    made = netspec.build(netspec.loads(text), device="cpu")
    weights = dict(zip(made.state_dict(), by_hand.state_dict().values(), strict=True))
    made.load_state_dict(weights)
    one = torch.randn(1, 64)
    with torch.inference_mode():
        assert torch.equal(made(one), by_hand(one))
        return compare(what, lambda: made(one), lambda: by_hand(one), aim, 5 * rounds, times=40)
