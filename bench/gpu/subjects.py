"""The measured models: their specs, their inputs, and the same by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import netspec
from bench.gpu.by_hand import Llama, LlamaSize, resnet50

ROOT = Path(__file__).parents[2]
MLP = """\
netspec: 1
input: [N, 4096]
layers:
  repeat: {repeat: 8, layers: [linear: 4096, relu]}
  head: {linear: 1000}
"""


class Subject(NamedTuple):
    """A model with its inputs; ``by_hand`` makes the same one, of equal keys."""

    name: str
    plan: netspec.Plan
    batch: int
    sizes: Mapping[str, int]
    make_input: Callable[[torch.device, torch.dtype], Tensor]
    by_hand: Callable[[], nn.Module] | None = None


def subjects(small: bool) -> list[Subject]:
    """``small`` is for a try on a cpu."""
    return [mlp(small), resnet(small), llama(small)]


def mlp(small: bool) -> Subject:
    batch = 16 if small else 8192
    text = MLP.replace("4096", "64") if small else MLP
    width = 64 if small else 4096

    def make_input(device: torch.device, dtype: torch.dtype) -> Tensor:
        return torch.randn(batch, width, device=device, dtype=dtype)

    return Subject("mlp", netspec.plan(netspec.loads(text)), batch, {}, make_input)


def resnet(small: bool) -> Subject:
    batch, side = (2, 64) if small else (64, 224)
    plan = netspec.plan(ROOT / "specs/torchvision/resnet.yaml", variant="resnet50")

    def make_input(device: torch.device, dtype: torch.dtype) -> Tensor:
        return torch.randn(batch, 3, side, side, device=device, dtype=dtype)

    return Subject("resnet50", plan, batch, {"H": side, "W": side}, make_input, resnet50)


def llama(small: bool) -> Subject:
    size = LlamaSize(64, 48, 2, 4, 2, 128) if small else LlamaSize(32000, 2048, 8, 16, 4, 5632)
    batch, length = (2, 16) if small else (8, 1024)
    params: dict[str, Any] = size._asdict()
    plan = netspec.plan(ROOT / "specs/llama_like.yaml", params=params, registry=_registry())

    def make_input(device: torch.device, dtype: torch.dtype) -> Tensor:
        return torch.randint(0, size.vocabulary, (batch, length), device=device)

    return Subject("llama", plan, batch, {"T": length}, make_input, lambda: Llama(size))


def _registry() -> netspec.Registry:
    """With the plugin of the spec, which need not be installed."""
    path = str(ROOT / "plugins/netspec-transformer")
    if path not in sys.path:
        sys.path.insert(0, path)
    from netspec_transformer import plugin

    registry = netspec.Registry()
    registry.register(plugin)
    return registry
