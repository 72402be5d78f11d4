"""The specs that are no family of torchvision's: each learns something small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import netspec

SPECS = Path(__file__).parents[2] / "specs"


def built(name: str) -> nn.Module:
    path = SPECS / f"{name}.yaml"
    assert netspec.check(path) == []
    return netspec.build(path, device="cpu", seed=0)


def losses(
    model: nn.Module, batches: Iterator[Any], loss: Callable[..., Tensor], steps: int
) -> list[float]:
    """The loss of each step of Adam."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    found = []
    for _, (inputs, target) in zip(range(steps), batches, strict=False):
        optimizer.zero_grad()
        value = loss(model(*inputs), target)
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(float(value.detach()))
    return found


def falls(found: list[float], to: float) -> bool:
    """The mean of the last steps is below ``to`` times that of the first."""
    return sum(found[-5:]) < to * sum(found[:5])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(2)


def test_unet_finds_bright_squares() -> None:
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            images = torch.rand(4, 1, 16, 16, generator=draw)
            yield (images,), (functional.avg_pool2d(images, 3, 1, 1) > 0.5).long()[:, 0]

    model = built("unet")
    assert falls(losses(model, batches(), functional.cross_entropy, 40), 0.6)
    assert model(torch.rand(1, 1, 24, 40)).shape == (1, 2, 24, 40)


@pytest.mark.parametrize("name", ["gpt2_like", "llama_like"])
def test_decoders_learn_to_count_and_see_no_later_token(name: str) -> None:
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            start = torch.randint(0, 64, (8, 1), generator=draw)
            tokens = (start + torch.arange(17)) % 64
            yield (tokens[:, :-1],), tokens[:, 1:]

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(logits.flatten(0, 1), target.flatten())

    model = built(name)
    is_tied = name == "gpt2_like"
    embedding = model.get_parameter("wte.weight" if is_tied else "embed_tokens.weight")
    assert (model.get_parameter("lm_head.weight") is embedding) == is_tied
    assert falls(losses(model, batches(), loss, 60), 0.5)
    model.eval()
    tokens = torch.arange(20)[None]
    changed = tokens.clone()
    changed[0, -1] = 63
    assert torch.allclose(model(tokens)[:, :-1], model(changed)[:, :-1], atol=1e-5)
    assert not torch.allclose(model(tokens)[:, -1], model(changed)[:, -1], atol=1e-3)


def test_lstm_hears_a_token() -> None:
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            tokens = torch.randint(1, 32, (16, 9), generator=draw)
            label = torch.randint(0, 2, (16,), generator=draw)
            tokens[:, 4] = torch.where(label == 1, 0, tokens[:, 4])
            yield (tokens,), label

    assert falls(losses(built("lstm_classifier"), batches(), functional.cross_entropy, 80), 0.5)


def test_two_towers_tell_pairs_apart_with_one_set_of_weights() -> None:
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            left = torch.randn(32, 8, generator=draw)
            alike = torch.randint(0, 2, (32, 1), generator=draw).float()
            right = alike * left + (1 - alike) * torch.randn(32, 8, generator=draw)
            yield (left, right), alike

    model = built("two_tower")
    assert not [name for name, _ in model.named_parameters() if name.startswith("other")]
    found = losses(model, batches(), functional.binary_cross_entropy_with_logits, 80)
    assert falls(found, 0.6)


def test_vae_reconstructs_digits() -> None:
    digits = pytest.importorskip("sklearn.datasets").load_digits().images / 16.0
    images = torch.tensor(digits, dtype=torch.float32)[:, None]
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            batch = images[torch.randint(0, len(images), (64,), generator=draw)]
            yield (batch,), batch

    def loss(outputs: dict[str, Tensor], target: Tensor) -> Tensor:
        mu, logvar = outputs["mu"], outputs["logvar"]
        divergence = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(1).mean()
        wrong = functional.mse_loss(outputs["reconstruction"], target, reduction="none")
        return wrong.flatten(1).sum(1).mean() + 0.1 * divergence

    model = built("vae")
    assert falls(losses(model, batches(), loss, 100), 0.6)
    model.eval()
    assert list(model(images[:2])) == ["reconstruction", "mu", "logvar"]


def test_wavenet_predicts_a_wave_from_its_past() -> None:
    draw = generator()

    def batches() -> Iterator[Any]:
        while True:
            phase = torch.rand(8, 1, generator=draw) * 6.28
            wave = torch.sin(torch.arange(64) * 0.3 + phase)
            yield (wave[:, None],), ((wave + 1) * 3.99).long()

    model = built("wavenet_like")
    assert falls(losses(model, batches(), functional.cross_entropy, 60), 0.5)
    wave = torch.rand(1, 1, 40)
    changed = wave.clone()
    changed[..., -1] = 9
    assert torch.equal(model(wave), model(changed))  # no output sees its own sample
