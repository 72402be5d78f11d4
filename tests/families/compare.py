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
    import inspect

    from torchvision.models import get_model, get_model_builder

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


def image(name: str) -> Tensor:
    """A batch for the model, as small as it takes."""
    shape: tuple[int, ...] = (2, 3, 96, 96)
    if name.startswith("inception"):
        shape = (2, 3, 299, 299)
    elif name.startswith(("vit", "maxvit")):
        shape = (2, 3, 224, 224)
    elif name.startswith(("r3d", "mc3", "r2plus1d")):
        shape = (2, 3, 4, 32, 32)
    elif name == "s3d":
        shape = (2, 3, 16, 224, 224)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def same_values(ours: nn.Module, reference: nn.Module, inputs: Tensor) -> list[str]:
    """What differs under one random state: logits, then a step of training under one seed."""
    wrong = []
    for name, value in reference.state_dict().items():
        # Computed buffers, such as relative_position_index, come out of building.
        if not value.is_floating_point() and not torch.equal(value, ours.state_dict()[name]):
            wrong.append(f"computed {name}")
    state = randomise(reference)
    reference.load_state_dict(state)
    ours.load_state_dict(state)
    ours.eval(), reference.eval()
    with torch.no_grad():
        wrong += _different("logits", ours(inputs), reference(inputs))
    ours.train(), reference.train()
    outputs = []
    for model in (ours, reference):
        torch.manual_seed(5)
        outputs.append(model(inputs))
        total = torch.stack([tensor.square().mean() for tensor in tensors(outputs[-1])]).sum()
        total.backward()  # type: ignore[no-untyped-call]
    wrong += _different("outputs in training", *outputs)
    for kind in ("named_parameters", "named_buffers"):
        for (name, one), (_, other) in zip(
            getattr(ours, kind)(), getattr(reference, kind)(), strict=True
        ):
            if kind == "named_buffers" and not torch.equal(one, other):
                wrong.append(f"buffer {name} after training")
            if kind == "named_parameters" and not _equal(one.grad, other.grad):
                wrong.append(f"gradient of {name}")
    return wrong


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


def _different(what: str, one: Any, other: Any) -> list[str]:
    if isinstance(other, dict) and list(one) != list(other):
        return [f"{what}: {list(one)} against {list(other)}"]
    pairs = zip(tensors(one), tensors(other), strict=True)
    return [what for a, b in pairs if not torch.equal(a, b)][:1]


def unlike_beginnings(ours: nn.Module, reference: nn.Module) -> list[str]:
    """The parameters whose fresh values are neither equal nor of one distribution.

    For n values the standard error of a mean is ``std / sqrt(n)``, that of a standard deviation
    about ``std / sqrt(2 n)``; six of both for the two samples together hold in practice always.
    """
    wrong = []
    for (name, one), (_, other) in zip(
        ours.named_parameters(), reference.named_parameters(), strict=True
    ):
        if torch.equal(one, other):
            continue
        n, spread = one.numel(), float(other.std(correction=0))
        bound = 6 * (2 / n) ** 0.5 * spread
        if abs(float(one.mean() - other.mean())) > bound or n < 2:
            wrong.append(f"mean of {name}")
        if abs(float(one.std(correction=0)) - spread) > bound:
            wrong.append(f"spread of {name}")
        if float(one.abs().max()) > 1.5 * float(other.abs().max()) + 1e-12:
            wrong.append(f"range of {name}")
    return wrong
