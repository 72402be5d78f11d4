"""A model of netspec next to torchvision's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import netspec

FOLDER = Path(__file__).parents[2] / "specs" / "torchvision"


def variants() -> dict[str, Path]:
    """The file of each model, by torchvision's name."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for variant in netspec.load(path).variants:
            found[variant.name] = path
    return found


@contextmanager
def without_init() -> Iterator[None]:
    """torch.nn.init does nothing, so that large models are made in no time."""
    names = [name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_")]
    kept = {name: getattr(nn.init, name) for name in names}
    try:
        for name in names:
            setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        yield
    finally:
        for name, function in kept.items():
            setattr(nn.init, name, function)


def theirs(name: str, *, init: bool = True) -> nn.Module:
    """torchvision's model without weights of its own."""
    from torchvision.models import get_model, get_model_builder

    import inspect

    given: dict[str, Any] = {"weights": None}
    takes = inspect.signature(get_model_builder(name)).parameters
    if "weights_backbone" in takes:
        given["weights_backbone"] = None
    if "init_weights" in takes or name in ("googlenet", "inception_v3"):
        given["init_weights"] = True
    if init:
        return get_model(name, **given)  # type: ignore[no-any-return]
    with without_init():
        return get_model(name, **given)  # type: ignore[no-any-return]


def keys(model: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """The keys of ``state_dict`` in their order, with the shapes."""
    return [(name, tuple(value.shape)) for name, value in model.state_dict().items()]


def randomise(model: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """A state of random values; variances are positive, and what counts stays."""
    generator = torch.Generator().manual_seed(seed)
    state = model.state_dict()  # with the versions that MNASNet asks for
    for name, value in list(state.items()):
        if not value.is_floating_point():
            state[name] = value.clone()
            continue
        drawn = torch.empty_like(value).normal_(0, 0.05, generator=generator)
        if name.endswith("running_var"):
            drawn = drawn.abs() + 0.5
        elif value.dim() == 1 and name.endswith("weight"):
            drawn = drawn + 1
        elif "logit_scale" in name or "coords_table" in name:
            drawn = value.clone()
        state[name] = drawn
    return state


def tensors(output: Any) -> list[Tensor]:
    """The tensors of an output: one, a tuple of them, or a dict."""
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values if value is not None for tensor in tensors(value)]
