"""Seeded weights while other threads draw random numbers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

import netspec
from netspec.building.random import seeded

#: Layers whose constructors draw in different ways, and initialisers.
SPEC = """
netspec: 1
input: [N, T, 8]
init: {linear: {bias: {normal: {std: 0.5}}}}
layers:
  - lstm: {hidden_size: 8, num_layers: 2}
  - self_attention: 2
  - {linear: 16, init: {weight: orthogonal}}
  - {linear: 16, init: {weight: {trunc_normal: {std: 0.02}}}}
  - {linear: 8, init: {weight: {sparse: {sparsity: 0.5}}}}
"""


def weights(seed: int, seed_by: Literal["order", "path"] = "order") -> dict[str, Tensor]:
    plan = netspec.plan(netspec.loads(SPEC))
    return dict(netspec.build(plan, device="cpu", seed=seed, seed_by=seed_by).state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@contextmanager
def another_thread_draws() -> Iterator[None]:
    begun, ends = Event(), Event()

    def draw() -> None:
        while not ends.is_set():
            torch.rand(3)
            begun.set()

    thread = Thread(target=draw)
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        ends.set()
        thread.join()


@pytest.mark.parametrize("seed_by", ["order", "path"])
def test_a_seed_gives_the_same_weights_in_every_thread(seed_by: Literal["order", "path"]) -> None:
    alone = [weights(seed, seed_by) for seed in range(3)]
    with another_thread_draws(), ThreadPoolExecutor(4) as pool:
        built = pool.map(lambda number: weights(number % 3, seed_by), range(24))
        for number, found in enumerate(built):
            assert same(found, alone[number % 3])


def test_the_global_stream_goes_on_as_if_nothing_was_built() -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(weights, range(8)))
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: torch.rand(3, 2),
        lambda: torch.randn(3, dtype=torch.float64),
        lambda: torch.randint(9, (4,)),
        lambda: torch.randperm(9),
        lambda: torch.normal(0.0, 1.0, (3,)),
        lambda: torch.bernoulli(torch.full((9,), 0.5)),
        lambda: torch.multinomial(torch.ones(9), 3),
        lambda: torch.rand_like(torch.empty(3)),
        lambda: torch.randn_like(torch.empty(3)),
        lambda: torch.randint_like(torch.empty(3), 9),
        lambda: nn.functional.dropout(torch.ones(64)),
        lambda: torch.empty(5).exponential_(),
        lambda: nn.init.trunc_normal_(torch.empty(4, 4)),
        lambda: nn.init.orthogonal_(torch.empty(4, 4)),
    ],
)
def test_an_operation_draws_what_it_draws_after_manual_seed(draw: object) -> None:
    assert callable(draw)
    torch.manual_seed(7)
    expected = draw()
    before = torch.get_rng_state()
    waits = Event()
    thread = Thread(target=waits.wait)
    thread.start()
    try:
        with seeded(7):
            found = draw()
    finally:
        waits.set()
        thread.join()
    assert torch.equal(found, expected)
    assert torch.equal(torch.get_rng_state(), before)
