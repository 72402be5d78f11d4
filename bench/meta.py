"""Planning from a Spec against making the model on the meta device and running it once by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torchvision.models import get_model

import netspec
from bench.by_hand import seed_stack
from bench.measure import Line, compare
from bench.texts import FAMILIES, SEED_SPEC

AIM = 1 / 100
#: The family of each model; all get an image of 224 x 224.
MODELS = {
    "resnet152": "resnet",
    "efficientnet_b7": "efficientnet",
    "densenet121": "densenet",
    "swin_b": "swin_transformer",
}


def lines(rounds: int) -> list[Line]:
    """A reference takes up to seconds, so that models are measured in few rounds."""
    seed = netspec.load(SEED_SPEC)
    found = [_line("the seed MLP", seed, _seed_mlp, (1, 28, 28), rounds * 3)]
    for name, family in MODELS.items():
        spec = netspec.load(FAMILIES / f"{family}.yaml", variant=name)
        make = partial(get_model, name, weights=None)
        found.append(_line(name, spec, make, (1, 3, 224, 224), min(rounds, 5)))
    return found


def _seed_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), seed_stack())


def _line(
    what: str,
    spec: netspec.Spec,
    make: Callable[[], nn.Module],
    shape: tuple[int, ...],
    rounds: int,
) -> Line:
    def by_hand() -> object:
        with torch.device("meta"), torch.no_grad():
            return make().eval()(torch.empty(shape))

    return compare(f"plan {what}, against meta", lambda: netspec.plan(spec), by_hand, AIM, rounds)
