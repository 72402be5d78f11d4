"""The check that what a layout does to one key of a tie it does to all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from netspec.placement.layout import Layout, Misplaced, Placed, Shard
from netspec.planning import PlannedLayer, PlannedScope


class _Holder(NamedTuple):
    """What a key of ``state_dict`` is in, and the part of the layout that the key gets."""

    module: PlannedLayer | PlannedScope
    placed: Placed
    shards: tuple[Shard, ...]
    planned_device: str | None

    @property
    def device(self) -> str | None:
        return self.placed.device or self.planned_device


class _Part(NamedTuple):
    """Something that is one for all keys of a tie; ``names`` is how a message names two of it."""

    of: Callable[[_Holder], object]
    names: Callable[[_Holder, _Holder], str]
    help: str


_PARTS = (
    _Part(
        lambda one: one.device,
        lambda first, other: f"would be on {_device(first)} and {_device(other)}",
        "give both the same device",
    ),
    _Part(
        lambda one: one.placed.dtype,
        lambda first, other: f"would be of {_dtype(first)} and {_dtype(other)}",
        "give both the same dtype",
    ),
    _Part(
        lambda one: one.placed.stage,
        lambda first, other: (
            f"are in the stages {first.placed.stage} and {other.placed.stage}, "
            "which are two processes"
        ),
        "cut so that both are in one stage, or remove the tie",
    ),
    _Part(
        lambda one: one.shards,
        lambda first, other: "would be split differently",
        "divide both alike: an embedding by `row`, its linear by `gather`",
    ),
)


def require_ties_together(layout: Layout, help: str = "") -> None:
    """Compare the device, dtype, stage and shards of the keys of each tie.

    Args:
        help: what to write instead, where the strategy knows it better.

    Raises:
        Misplaced: two keys of one parameter would be in two places.
    """
    if not layout.plan.ties:
        return
    rows = {row.path: row for row in layout.plan.layers if not row.is_reused}
    scopes = {scope.path: scope for scope in layout.plan.scopes()}
    for tie in layout.plan.ties:
        first = _holder(layout, tie.source, rows, scopes)
        for key in tie.others:
            other = _holder(layout, key, rows, scopes)
            for part in _PARTS:
                if part.of(first) != part.of(other):
                    layers = [one.module for one in (first, other) if one.module.path]
                    raise Misplaced(
                        f"{key} is tied to {tie.source}, but they {part.names(first, other)}",
                        *layers,
                        help=help or part.help,
                    )


def _holder(
    layout: Layout,
    key: str,
    rows: Mapping[str, PlannedLayer],
    scopes: Mapping[str, PlannedScope],
) -> _Holder:
    """The layer of a key, or the container whose own parameter it is."""
    path, _, name = key.rpartition(".")
    if path in scopes:
        around, scope = layout.placed(path), scopes[path]
        device = next(own.device for own in scope.parameters if own.name == name)
        placed = layout.placed(key)._replace(stage=around.stage)
        return _Holder(scope, placed, around.shards.get(name, ()), device)
    while path not in rows:
        path = path.rpartition(".")[0]
    placed = layout.placed(path)
    shards = placed.shards.get(key.removeprefix(f"{path}."), ())
    return _Holder(rows[path], placed, shards, rows[path].device)


def _device(one: _Holder) -> str:
    return one.device or "the model's own device"


def _dtype(one: _Holder) -> str:
    return one.placed.dtype or "the model's own dtype"
