"""A model of netspec next to torchvision's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.sizes import evaluate, substitute
from netspec.testing.observation import SavedStorages
from tests.building.memory import peak_bytes

#: Models of frames.
VIDEO = ("r3d", "mc3", "r2plus1d", "s3d", "mvit", "swin3d")
MOST_OFF = 0.05  # of the bytes saved for backward
MOST = 100_000  # values of a parameter that are compared as a distribution
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


def sample(name: str) -> Tensor:
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
    elif name.startswith(("mvit", "swin3d")):
        shape = (1, 3, 16, 224, 224)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def different_values(ours: nn.Module, reference: nn.Module, inputs: Tensor) -> list[str]:
    """What differs before and under one random state: buffers, then logits."""
    # Computed buffers, such as relative_position_index, come out of building.
    wrong = different_tensors("computed", ours.named_buffers(), reference.named_buffers())
    state = randomise(reference)
    reference.load_state_dict(state)
    ours.load_state_dict(state)
    ours.eval(), reference.eval()
    with torch.no_grad():
        return wrong + _different_outputs("logits", ours(inputs), reference(inputs))


def different_training(ours: nn.Module, reference: nn.Module, inputs: Tensor) -> list[str]:
    """What differs after a step of training under one seed, of models with equal states."""
    outputs = []
    # Adding up gradients by index is in no fixed order otherwise, in torchvision's models too.
    torch.use_deterministic_algorithms(True)
    try:
        for model in (ours, reference):
            torch.manual_seed(5)
            outputs.append(model.train()(inputs))
            total = torch.stack([tensor.square().mean() for tensor in tensors(outputs[-1])]).sum()
            total.backward()  # type: ignore[no-untyped-call]
    finally:
        torch.use_deterministic_algorithms(False)
    wrong = _different_outputs("outputs in training", *outputs)
    wrong += different_tensors("trained", ours.named_buffers(), reference.named_buffers())
    return wrong + different_tensors("gradient of", gradients(ours), gradients(reference))


def gradients(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The gradients that there are, by the names of their parameters."""
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            yield name, parameter.grad


def different_tensors(
    what: str, ours: Iterable[tuple[str, Tensor]], theirs: Iterable[tuple[str, Tensor]]
) -> list[str]:
    """The names whose tensors differ; those that only one side has, too."""
    one, other = dict(ours), dict(theirs)
    if list(one) != list(other):
        return [f"{what}: other names, {sorted(one.keys() ^ other.keys())[:5]}"]
    return [f"{what} {name}" for name, value in one.items() if not torch.equal(value, other[name])]


def _different_outputs(what: str, one: Any, other: Any) -> list[str]:
    if isinstance(other, dict) and list(one) != list(other):
        return [f"{what}: {list(one)} against {list(other)}"]
    pairs = zip(tensors(one), tensors(other), strict=True)
    return [what for a, b in pairs if not torch.equal(a, b)][:1]


def different_beginnings(ours: nn.Module, reference: nn.Module) -> list[str]:
    """The parameters whose fresh values are neither equal nor of one distribution.

    For n values the standard error of a mean is ``std / sqrt(n)``, that of a standard deviation
    about ``std / sqrt(2 n)``; six of both for the two samples together hold in practice always.
    The two samples' distribution functions differ by ``3 sqrt(2 / n)`` with a probability of
    3e-8 (Smirnov 1948), and k values of one lie beyond the largest of the other with 2**-k.
    """
    one, other = dict(ours.named_parameters()), dict(reference.named_parameters())
    if list(one) != list(other):
        return ["other names"]
    return [
        f"{what} of {name}"
        for name, value in one.items()
        for what in _unlike(value.detach(), other[name].detach())
    ]


def are_equal(ours: nn.Module, reference: nn.Module) -> bool:
    """Whether all parameters begin with the very same values."""
    return not different_tensors("", ours.named_parameters(), reference.named_parameters())


def _unlike(one: Tensor, other: Tensor) -> Iterator[str]:
    if torch.equal(one, other):
        return
    n, spread = one.numel(), float(other.std(correction=0))
    bound = 6 * (2 / n) ** 0.5 * spread
    if abs(float(one.mean() - other.mean())) > bound or n < 2:
        yield "mean"
    if abs(float(one.std(correction=0)) - spread) > bound:
        yield "spread"
    if max(_beyond(one, other), _beyond(other, one)) > 25:
        yield "range"
    if _distance(one, other) > 3 * (2 / min(n, MOST)) ** 0.5:
        yield "distribution"


def _beyond(one: Tensor, other: Tensor) -> int:
    """How many values are larger than the other's largest."""
    return int((one.abs() > other.abs().max()).sum())


def _distance(one: Tensor, other: Tensor) -> float:
    """The largest difference of the distribution functions of (at most MOST of) the values."""
    step = max(1, one.numel() // MOST)
    first, second = (x.flatten()[::step][:MOST].sort().values for x in (one, other))
    at = torch.cat([first, second])
    below = [torch.searchsorted(x, at, right=True) / x.numel() for x in (first, second)]
    return float((below[0] - below[1]).abs().max())


def peak_ratio(name: str, ours: nn.Module, reference: nn.Module) -> float:
    """The peak memory of a forward pass over that of torchvision's model; both go to meta."""
    shape = tuple(sample(name).shape)
    return peak_bytes(ours, shape) / peak_bytes(reference, shape)


def most_peak(name: str) -> float:
    """What ``peak_ratio`` may be."""
    # torchvision calls MViT's blocks one by one; an nn.Sequential of them keeps its own input.
    return 1.05 if name.startswith("mvit") else 1.0


def different_costs(name: str, plan: netspec.Plan, reference: nn.Module) -> list[str]:
    """What the one symbolic plan tells otherwise than torch, at two sizes where there are two."""
    model = reference.eval().to("meta")
    wrong = []
    if plan.total_params != sum(p.numel() for p in model.parameters()):
        wrong.append("parameters")
    for shape in _sizes(name):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            outputs = tensors(model(torch.empty(shape, device="meta")))
        numbers = _numbers(shape)
        planned = [tuple(substitute(s, numbers) for s in out.shape) for out in plan.outputs]
        if planned != [tuple(output.shape) for output in outputs]:
            wrong.append(f"output of {shape}")
        macs = substitute(plan.total_macs, numbers)
        if not isinstance(macs, int) or 2 * macs != counter.get_total_flops():
            wrong.append(f"multiply-adds of {shape}")
    return wrong


def saved_ratio(plan: netspec.Plan, ours: nn.Module, inputs: Tensor) -> float:
    """The planned bytes saved for backward over those that torch saves in training."""
    with SavedStorages(ours) as saved:
        ours.train()(inputs)
    return evaluate(plan.saved_for_backward().total, _numbers(inputs.shape)) / saved.nbytes


def _numbers(shape: Sequence[int]) -> dict[str, int]:
    """The sizes of a batch of images or videos, by their names in the specs."""
    return dict(zip("NTHW" if len(shape) == 5 else "NHW", (shape[0], *shape[2:]), strict=True))


def _sizes(name: str) -> list[tuple[int, ...]]:
    sizes = [(224, 224), (256, 192)]
    if name.startswith(("vit", "maxvit", "mvit")):  # positions of one size
        sizes = [(224, 224)]
    elif name.startswith("inception"):
        sizes = [(299, 299), (320, 310)]
    elif name in ("s3d",) or name.startswith("swin3d"):
        sizes = [(224, 224), (256, 240)]
    is_video = name.startswith(VIDEO)
    return [(2, 3, 16, *size) if is_video else (2, 3, *size) for size in sizes]
