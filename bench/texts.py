"""The specs that are measured."""

from __future__ import annotations

from pathlib import Path

SEED_SPEC = Path("specs/fashion_mnist_mlp.yaml")
FAMILIES = Path("specs/torchvision")

NAMED = ("- linear: {out_features: 64, bias: true}", "- relu")
SHORT = ("- linear: 64", "- relu")
CONVOLUTIONS = ("- conv2d: {out_channels: 16, kernel_size: 3, padding: 1}", "- relu")
RESIDUALS = ("- residual: [linear: 64, relu]",)
RESIDUAL_SCOPES = ("- [residual: [linear: 64, relu]]",)  # a module for each, as by hand


def chain(items: tuple[str, ...], layers: int, input: str = "[N, 64]") -> str:
    """The text of a spec that repeats the items until it has so many of them."""
    written = "\n".join(items * (layers // len(items)))
    return f"netspec: 1\ninput: {input}\nlayers:\n{written}\n"
