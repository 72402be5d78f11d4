"""The measured models in hand-written torch."""

from __future__ import annotations

from torch import Tensor, nn


class NeuralNetwork(nn.Module):
    """The class of PyTorch's tutorial, which ``texts.SEED_SPEC`` describes."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = seed_stack()


def seed_stack() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(28 * 28, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def linear_relu(layers: int) -> nn.Sequential:
    """What ``texts.chain(NAMED, layers)`` says."""
    modules: list[nn.Module] = []
    for _ in range(layers // 2):
        modules += [nn.Linear(64, 64), nn.ReLU()]
    return nn.Sequential(*modules)


class ResidualBlock(nn.Module):
    """A residual block as one writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 64)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.relu(self.linear(x))
        return result
