"""The measured tasks, each with what one writes by hand in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench.measure import Work

WIDTH = 16
LAYERS = 1000
FORWARD_LAYERS = 100
BATCH = 32
THREADS = 1  # of torch; small matrices gain nothing, and on a busy machine two wait for each other


class Row(NamedTuple):
    """A task; ``by_hand`` prepares what all ways are compared with."""

    title: str
    reference: str
    by_hand: Callable[[], Work]
    times: int


def mlp() -> nn.Sequential:
    """The seed's network."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
        nn.Softmax(dim=1),
    )


def chain(layers: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for _ in range(layers // 2):
        modules += [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
    return nn.Sequential(*modules)


def shapes(model: nn.Module) -> list[tuple[int, ...]]:
    """The shape that each layer gives, by hooks and a dry run of one sample."""
    found: list[tuple[int, ...]] = []

    def note(module: nn.Module, inputs: object, output: Tensor) -> None:
        found.append(tuple(output.shape))

    hooks = [module.register_forward_hook(note) for module in model.children()]
    with torch.inference_mode():
        model(torch.zeros(1, WIDTH))
    for hook in hooks:
        hook.remove()
    return found


def _forward() -> Work:
    return forward(weighted())


def _dry_run() -> Work:
    model = chain(LAYERS)
    return lambda: shapes(model)


def _meta_forward() -> Work:
    with torch.device("meta"):
        model, probe = chain(LAYERS), torch.empty(1, WIDTH)

    def run() -> Tensor:
        with torch.inference_mode():
            found: Tensor = model(probe)
            return found

    return run


ROWS: Mapping[str, Row] = {
    "mlp": Row("Build the seed's MLP", "nn.Sequential(...)", lambda: mlp, 10),
    "build": Row(
        f"Build {LAYERS:,} layers (Linear({WIDTH}, {WIDTH}), ReLU, ...)",
        "nn.Sequential(...)",
        lambda: lambda: chain(LAYERS),
        1,
    ),
    "forward": Row(
        f"Forward of {FORWARD_LAYERS} layers, batch {BATCH}, width {WIDTH}",
        "nn.Sequential with the same weights",
        _forward,
        40,
    ),
    "check": Row(
        f"Check or summary of {LAYERS:,} layers",
        "hooks and a dry run of the built module",
        _dry_run,
        1,
    ),
    "shapes": Row(
        f"The shapes alone of {LAYERS:,} layers",
        "a forward of the built module on the meta device",
        _meta_forward,
        1,
    ),
}


def forward(model: Any) -> Work:
    """The timed forward pass of a model; what it gives is compared."""
    batch = probe()

    def run() -> Tensor:
        with torch.inference_mode():
            found: Tensor = model(batch)
            return found

    return run


def probe() -> Tensor:
    return torch.linspace(-1, 1, BATCH * WIDTH).reshape(BATCH, WIDTH)


def weighted() -> nn.Sequential:
    """The hand-written chain of the row "forward", with the same weights in each process."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return chain(FORWARD_LAYERS)


def with_weights(model: Any) -> Work:
    """The forward of a peer's chain with the weights of ``weighted``."""
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weighted().parameters(), strict=True):
            parameter.copy_(value)
    return forward(model)
