"""The buffers in which weights are gathered, and gradients averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from netspec.accounting.shards import Held, part
from netspec.accounting.sizes import ITEMSIZES
from netspec.placement.layout import Layout


def communication(layout: Layout, parts: Iterable[Held], is_training: bool) -> int:
    """The most bytes at once, beside parameters and gradients.

    Weights that wait elsewhere are on the device one layer after the other.

    FSDP2 has the weights of the model's own group, of the group that is computed and of the next
    one, which is gathered ahead (or of all, where they stay after the forward pass). In the
    backward pass it has also the gradients of one group, and the copy of them that is sent:
    https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html.
    Copies for data average gradients in buckets, which are as large as all of them:
    https://docs.pytorch.org/docs/stable/notes/ddp.html.
    """
    parts = list(parts)
    waiting: Counter[str] = Counter()
    for held in parts:
        if layout.placed(held.tensor.path).kept_on:
            waiting[held.tensor.path] += held.nbytes
    total = max(waiting.values(), default=0)
    for action in layout.actions:
        if action.word == "data_parallel" and is_training:
            total += sum(part.nbytes for part in parts if part.tensor.is_trained)
        if action.word == "fsdp":
            total += _gathered(layout, parts, action.settings, is_training)
    return total


def _gathered(
    layout: Layout, parts: Iterable[Held], settings: Mapping[str, Any], is_training: bool
) -> int:
    axis = settings["axes"][-1]
    first_places = dict.fromkeys(layout.mesh.axes, 0)
    weights: Counter[str] = Counter()
    gradients: Counter[str] = Counter()
    for held in parts:
        others = tuple([one for one in held.tensor.shards if one.axis != axis])
        numel = part(held.tensor._replace(shards=others), layout.mesh.axes, first_places).numel
        group = innermost(held.tensor.key, settings["layers"])
        weights[group] += numel * ITEMSIZES.get(settings["param_dtype"], held.itemsize)
        reduced = settings["reduce_dtype"] or settings["param_dtype"]
        if held.tensor.is_trained:
            gradients[group] += numel * ITEMSIZES.get(reduced, held.itemsize)
    own = weights.pop("", 0)
    at_once = sorted(weights.values())
    if settings["reshard_after_forward"] or not is_training:
        at_once = at_once[-2:]
    of_gradients = 2 * max(gradients.values(), default=0) if is_training else 0
    return own + sum(at_once) + of_gradients


def innermost(key: str, groups: Iterable[str]) -> str:
    """The innermost of the groups that a parameter is in; the model's own is empty."""
    return max([path for path in groups if key.startswith(f"{path}.")], key=len, default="")
