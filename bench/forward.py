"""A forward pass of batch 1 against hand-written modules with the same weights."""

from __future__ import annotations

import torch
from torch import nn

import netspec
from bench.by_hand import ResidualBlock, linear_relu
from bench.measure import Line, compare
from bench.texts import NAMED, RESIDUAL_SCOPES, RESIDUALS, chain


def lines(rounds: int) -> list[Line]:
    blocks = nn.Sequential(*(ResidualBlock() for _ in range(50)))
    one, other = linear_relu(100), linear_relu(100)
    return [
        _line("forward, 100 layers, by hand twice: the noise", one, other, None, rounds),
        _forward("forward, 100 layers", chain(NAMED, 100), linear_relu(100), 1.0, rounds),
        _forward(
            "forward, 50 residual blocks, a module each",
            chain(RESIDUAL_SCOPES, 50),
            blocks,
            None,
            rounds,
        ),
        _forward(
            "forward, 50 residual blocks, one module for all",
            chain(RESIDUALS, 50),
            blocks,
            None,
            rounds,
        ),
    ]


def _forward(what: str, text: str, by_hand: nn.Module, aim: float | None, rounds: int) -> Line:
    made = netspec.build(netspec.loads(text), device="cpu")
    weights = dict(zip(made.state_dict(), by_hand.state_dict().values(), strict=True))
    made.load_state_dict(weights)
    probe = torch.randn(1, 64)
    with torch.inference_mode():
        assert torch.equal(made(probe), by_hand(probe))
    return _line(what, made, by_hand, aim, rounds)


def _line(what: str, ours: nn.Module, other: nn.Module, aim: float | None, rounds: int) -> Line:
    one = torch.randn(1, 64)
    with torch.inference_mode():
        return compare(what, lambda: ours(one), lambda: other(one), aim, 5 * rounds, times=40)
