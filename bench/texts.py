"""The specs that are measured, and the same models by hand."""

from __future__ import annotations

from pathlib import Path

from torch import nn

SEED_SPEC = Path("specs/fashion_mnist_mlp.yaml")

NAMED = ("- linear: {out_features: 64, bias: true}", "- relu")
SHORT = ("- linear: 64", "- relu")
CONVOLUTIONS = ("- conv2d: {out_channels: 16, kernel_size: 3, padding: 1}", "- relu")
RESIDUALS = ("- residual: [linear: 64, relu]",)


def chain(items: tuple[str, ...], layers: int, input: str = "[N, 64]") -> str:
    """The text of a spec that repeats the items until it has so many of them."""
    written = "\n".join(items * (layers // len(items)))
    return f"netspec: 1\ninput: {input}\nlayers:\n{written}\n"


class NeuralNetwork(nn.Module):
    """The class of PyTorch's tutorial, which ``SEED_SPEC`` describes."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = seed_stack()


def seed_stack() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(28 * 28, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def linear_relu(layers: int) -> nn.Sequential:
    """``chain(NAMED, layers)`` by hand."""
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

    def forward(self, x):  # type: ignore[no-untyped-def]
        return x + self.relu(self.linear(x))
