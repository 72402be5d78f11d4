"""What is told of memory, against what torch measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import netspec
from netspec.sizes import evaluate
from tests.accounting.measure import measure

SPECS = Path(__file__).parents[2] / "specs"
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, foreach=False),
    "sgd_momentum": lambda p: torch.optim.SGD(p, momentum=0.9, foreach=False),
    "adam": lambda p: torch.optim.Adam(p, foreach=False),
    "adamw": lambda p: torch.optim.AdamW(p, foreach=False),
    "rmsprop": lambda p: torch.optim.RMSprop(p, foreach=False),
    "adagrad": lambda p: torch.optim.Adagrad(p, foreach=False),
}
MODELS = [
    ("fashion_mnist_mlp", {}, 512, {}, "sgd_momentum", "float32"),
    ("fashion_mnist_mlp", {}, 64, {}, "adam", "bfloat16"),
    ("digits_cnn", {}, 256, {}, "sgd", "float32"),
    ("unet", {}, 2, {"H": 64, "W": 64}, "rmsprop", "float32"),
    ("torchvision/resnet", {"variant": "resnet18"}, 8, {"H": 96, "W": 96}, "adamw", "float32"),
    ("torchvision/resnet", {"variant": "resnet18"}, 8, {"H": 96, "W": 96}, "adamw", "bfloat16"),
    ("gpt2_like", {"params": {"vocabulary": 512}}, 16, {"T": 32}, "adamw", "float32"),
    (
        "llama_like",
        {"params": {"vocabulary": 512}},
        16,
        {"T": 64},
        "adagrad",
        "float32",
    ),
    ("llama_like", {"params": {"depth": 6}}, 16, {"T": 64}, "adamw", "bfloat16"),
]


@pytest.mark.parametrize(("name", "chosen", "batch", "sizes", "optimizer", "dtype"), MODELS)
def test_it_is_what_torch_measures(
    name: str, chosen: Any, batch: int, sizes: dict[str, int], optimizer: str, dtype: str
) -> None:
    plan = netspec.plan(SPECS / f"{name}.yaml", **chosen)
    told = netspec.memory(
        plan, batch=batch, sizes=sizes, dtype=dtype, optimizer=optimizer, device="cpu"
    ).devices[0]
    model = netspec.build(plan, device="cpu", dtype=dtype)
    values = {**sizes, "N": batch}
    shape = [evaluate(size, values) for size in plan.inputs[0].type.shape]
    if plan.inputs[0].type.is_floating:
        given = torch.zeros(shape, dtype=getattr(torch, dtype))
    else:
        given = torch.zeros(shape, dtype=torch.int64)
    found = measure(model, [given], OPTIMIZERS[optimizer])
    print(told, found)
    for which in ("parameters", "gradients", "optimizer", "buffers"):
        assert getattr(told, which) == getattr(found, which), which
    assert told.saved == pytest.approx(found.saved, rel=0.05)
    assert told.peak == pytest.approx(found.peak, rel=0.05)
