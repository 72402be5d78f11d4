"""Which ranks of a mesh hold as much as each other, without a look at each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netspec.accounting.shards import Tensor, local_size
from netspec.placement.layout import Layout

Places = tuple[tuple[str, int], ...]


class Pipeline(NamedTuple):
    """``stages`` are dealt to the ranks of ``axis`` in turn."""

    axis: str
    ranks: int
    stages: int
    microbatches: int
    schedule: str

    def in_flight(self, rank: int) -> float:
        """How many microbatches, each through all stages of a rank, are kept at most."""
        rounds = self.stages // self.ranks
        if self.schedule == "gpipe":
            return self.microbatches
        if rounds == 1:
            return min(self.microbatches, self.ranks - rank)
        warm = 2 * (self.ranks - rank - 1) + (rounds - 1) * self.ranks + 1
        return min(self.microbatches * rounds, warm) / rounds


def pipeline_of(layout: Layout) -> Pipeline | None:
    """What the strategy `pipeline` says of its stages."""
    action = next((one for one in layout.actions if one.word == "pipeline"), None)
    if action is None or action.settings.get("axis") not in layout.mesh.axes:
        return None
    axis = action.settings["axis"]
    stages = 1 + max((placed.stage for placed in layout.layers.values()), default=0)
    ranks = layout.mesh.axes[axis]
    microbatches = action.settings.get("microbatches") or ranks
    schedule = str(action.settings.get("schedule", "1f1b")).lower()
    return Pipeline(axis, ranks, max(stages, ranks), microbatches, schedule)


def kinds_of_ranks(
    layout: Layout, held: Iterable[Tensor], pipeline: Pipeline | None
) -> dict[Places, list[range]]:
    """The ranks by places on the axes that stand for all that hold as much."""
    axes = layout.mesh.axes
    split = _split_sizes(held, axes)
    classes: dict[str, list[int]] = {}  # of each place on an axis, the first place that is alike
    for axis, count in axes.items():
        if pipeline is not None and axis == pipeline.axis:
            classes[axis] = list(range(count))
            continue
        first: dict[tuple[int, ...], int] = {}
        sizes = sorted(split.get(axis, ()))
        classes[axis] = [
            first.setdefault(tuple([local_size(size, count, place) for size in sizes]), place)
            for place in range(count)
        ]
    kinds: dict[Places, list[range]] = {}
    for rank in range(layout.mesh.ranks):
        rest, places = rank, []
        for axis, count in reversed(list(axes.items())):
            rest, place = divmod(rest, count)
            places.append((axis, classes[axis][place]))
        ranges = kinds.setdefault(tuple(reversed(places)), [])
        if ranges and ranges[-1].stop == rank:
            ranges[-1] = range(ranges[-1].start, rank + 1)
        else:
            ranges.append(range(rank, rank + 1))
    return kinds


def _split_sizes(held: Iterable[Tensor], axes: Mapping[str, int]) -> dict[str, set[int]]:
    """The sizes of dims that each axis splits, also after another axis has split them."""
    found: dict[str, set[int]] = {}
    for tensor in {(one.shape, one.shards): one for one in held if one.shards}.values():
        sizes = {dim: {size} for dim, size in enumerate(tensor.shape)}
        for shard in tensor.shards:
            count = axes[shard.axis]
            found.setdefault(shard.axis, set()).update(sizes[shard.dim])
            sizes[shard.dim] = {
                local_size(size, count, place)
                for size in sizes[shard.dim]
                for place in range(count)
            }
    return found
