"""Random numbers of a distributed model: which ranks draw the same, and which draw their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import torch
from torch import Tensor, nn
from torch.nn import functional

from netspec.placement.context import Context


def seed_rank(seed: int, context: Context) -> None:
    """Seed this process's generators, as ``torch.manual_seed`` does.

    Ranks that compute the same values, those of tensor parallel, get the same seed. Ranks that
    compute other parts of a batch, or other stages, get one each; the first of them gets ``seed``.
    """
    layout = context.layout
    own = {*layout.batch_axes, *(axis for axis, word in layout.axes.items() if word == "pipeline")}
    places = {axis: context.place(axis) for axis in layout.mesh.axes if axis in own}
    if any(places.values()):
        seed = _hashed(f"{seed}:{sorted(places.items())}".encode())
    torch.manual_seed(seed)


class DividedDropout(nn.Dropout):
    """Dropout of a part of the features: the whole's random numbers are drawn, and a part is kept.

    So each rank drops what one process would, and all draw as many numbers.
    """

    ranks: int
    place: int

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return input
        size = input.shape[-1]
        whole = input.new_ones((*input.shape[:-1], size * self.ranks))
        kept = functional.dropout(whole, self.p)
        return input * kept.narrow(-1, self.place * size, size)


def divide_dropouts(model: nn.Module, context: Context, *, axis: str, paths: Iterable[str]) -> None:
    """Layers of single values, which get a part of the features, draw for their part."""
    ranks, place = context.axis(axis).size(), context.place(axis)
    for path in context.here(model, paths):
        module = model.get_submodule(path)
        if type(module) is nn.Dropout:
            module.__class__ = DividedDropout
            vars(module).update(ranks=ranks, place=place)
        elif _may_draw(module):
            stream = OwnStream(place, context.device)
            module.register_forward_pre_hook(stream.begin)
            module.register_forward_hook(stream.end, always_call=True)


def draw_apart(
    model: nn.Module,
    context: Context,
    *,
    axis: str,
    pairs: Iterable[str],
    styles: Mapping[str, str],
) -> None:
    """Layers that are pairs by themselves draw apart between their columns and their rows."""
    for path in context.here(model, pairs):
        module = model.get_submodule(path)
        if not _may_draw(module):
            continue
        stream = OwnStream(context.place(axis), context.device)
        for part, style in styles.items():
            if part.startswith(f"{path}.") and style == "row":
                model.get_submodule(part).register_forward_pre_hook(stream.end)
            elif part.startswith(f"{path}."):
                model.get_submodule(part).register_forward_hook(stream.begin)
        module.register_forward_hook(stream.end, always_call=True)


def _may_draw(module: nn.Module) -> bool:
    """Whether a layer has dropouts in it, or a probability of its own by such a name."""
    return any(
        isinstance(part, nn.modules.dropout._DropoutNd | nn.RReLU)
        or any("drop" in name and isinstance(value, float) for name, value in vars(part).items())
        for part in module.modules()
    )


class OwnStream:
    """Hooks between which a module draws from a stream of its own rank.

    The stream begins anew each time, from the state of the common generator: a recomputation,
    which sets that state back, draws the same. The common generator then moves on by one number,
    equally on all ranks.
    """

    def __init__(self, place: int, device: torch.device) -> None:
        self.place = place
        self.device = device
        self.kept: tuple[Tensor, Tensor] | None = None

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def begin(self, module: nn.Module, *_: object) -> None:
        if self.kept is not None or not module.training:
            return
        common = _state(self.device)
        seed = _hashed(common.numpy().tobytes() + self.place.to_bytes(8, "little"))
        own = torch.Generator(self.device).manual_seed(seed).get_state()
        _set_state(own, self.device)
        self.kept = common, own

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def end(self, *_: object) -> None:
        if self.kept is None:
            return
        (common, own), self.kept = self.kept, None
        has_drawn = not torch.equal(_state(self.device), own)
        _set_state(common, self.device)
        if has_drawn:
            torch.rand((), device=self.device)


def _hashed(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") >> 1


def _state(device: torch.device) -> Tensor:
    if device.type == "cpu":
        return torch.get_rng_state()
    state: Tensor = torch.get_device_module(device).get_rng_state(device)
    return state


def _set_state(state: Tensor, device: torch.device) -> None:
    if device.type == "cpu":
        torch.set_rng_state(state)
    else:
        torch.get_device_module(device).set_rng_state(state, device)
