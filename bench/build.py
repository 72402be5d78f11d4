"""Building against the constructors of hand-written code."""

from __future__ import annotations

import netspec
from bench.by_hand import NeuralNetwork, linear_relu
from bench.measure import Line, compare
from bench.texts import NAMED, SEED_SPEC, chain

AIM = 1.1


def lines(rounds: int) -> list[Line]:
    seed_plan = netspec.plan(SEED_SPEC)
    text = chain(NAMED, 1000)
    plan = netspec.plan(netspec.loads(text))
    rounds *= 3  # allocating weights is what varies most
    return [
        compare(
            "build the seed MLP from its file",
            lambda: netspec.build(SEED_SPEC, device="cpu"),
            NeuralNetwork,
            AIM,
            rounds,
            times=10,
        ),
        compare(
            "- from its Plan",
            lambda: netspec.build(seed_plan, device="cpu"),
            NeuralNetwork,
            AIM,
            rounds,
            times=10,
        ),
        compare(
            "build 1,000 layers from text",
            lambda: netspec.build(netspec.loads(text), device="cpu"),
            lambda: linear_relu(1000),
            AIM,
            rounds,
        ),
        compare(
            "- from their Plan",
            lambda: netspec.build(plan, device="cpu"),
            lambda: linear_relu(1000),
            AIM,
            rounds,
        ),
    ]
