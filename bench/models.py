"""A forward pass of torchvision's models as YAML against torchvision's own."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import get_model

import netspec
from bench.measure import Line, compare
from bench.texts import FAMILIES

#: The family of each model; all get an image of 224 x 224.
MODELS = {
    "resnet50": "resnet",
    "mobilenet_v3_small": "mobilenet_v3",
    "densenet121": "densenet",
    "vit_b_16": "vision_transformer",
    "swin_t": "swin_transformer",
    "convnext_tiny": "convnext",
}
AIM = 1.02


def lines(rounds: int) -> list[Line]:
    """A line for each model, and one of torchvision's with itself, which is the noise."""
    found = []
    for name, family in MODELS.items():
        theirs = get_model(name, weights=None).eval()
        ours = netspec.build(FAMILIES / f"{family}.yaml", variant=name, device="cpu").eval()
        ours.load_state_dict(theirs.state_dict())
        found.append(_line(f"forward, {name}, against torchvision's", ours, theirs, AIM, rounds))
    name = "mobilenet_v3_small"
    one, other = (get_model(name, weights=None).eval() for _ in range(2))
    one.load_state_dict(other.state_dict())
    found.append(_line(f"- torchvision's {name} twice: the noise", one, other, None, rounds))
    return found


def _line(what: str, ours: nn.Module, theirs: nn.Module, aim: float | None, rounds: int) -> Line:
    image = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        assert torch.equal(ours(image), theirs(image))
        return compare(what, lambda: ours(image), lambda: theirs(image), aim, 6 * rounds)
