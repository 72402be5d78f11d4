"""What a rank holds of each parameter and buffer: the plan's, split as the layout says it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from netspec.accounting.sizes import ITEMSIZES
from netspec.placement.layout import Layout, Shard

#: Buffers of int64, which no cast changes; the plan does not know the dtypes of buffers.
_WHOLE_NUMBERS = ("num_batches_tracked", "_index")


class Tensor(NamedTuple):
    """A parameter or buffer of the whole model. ``dtype`` None is the model's."""

    key: str
    path: str
    shape: tuple[int, ...]
    shards: tuple[Shard, ...] = ()
    dtype: str | None = None
    is_buffer: bool = False
    is_trained: bool = True

    def itemsize(self, model: str) -> int:
        """The bytes of a value, where the model's dtype is ``model``."""
        if self.is_buffer and self.key.endswith(_WHOLE_NUMBERS):
            return 8
        return ITEMSIZES[self.dtype or model]


class Part(NamedTuple):
    """The numbers of values that a rank has: ``numel`` of its own, ``padded`` what they lie in."""

    numel: int
    padded: int


class Held(NamedTuple):
    """A parameter, of which a rank holds a part; ``itemsize`` are the bytes of a value."""

    tensor: Tensor
    part: Part
    itemsize: int

    @property
    def nbytes(self) -> int:
        return self.part.padded * self.itemsize


def tensors(layout: Layout) -> Iterator[Tensor]:
    """All parameters and buffers; one that is tied to another comes once."""
    plan = layout.plan
    tied = {other for tie in plan.ties for other in tie.others}
    for row in plan.layers:
        if row.is_reused:
            continue
        placed = layout.placed(row.path)
        for parameter in row.parameters:
            key = f"{row.path}.{parameter.name}"
            if key not in tied:
                shards = placed.shards.get(parameter.name, ())
                trained = key not in plan.frozen
                yield Tensor(
                    key, row.path, parameter.shape, shards, placed.dtype, is_trained=trained
                )
        for buffer in row.buffers:
            key = f"{row.path}.{buffer.name}"
            yield Tensor(key, row.path, buffer.shape, (), placed.dtype, is_buffer=True)
    for own in plan.parameters:
        path = own.path.rpartition(".")[0]
        shards = layout.placed(path).shards.get(own.name, ())
        dtype = layout.placed(own.path).dtype
        trained = own.path not in plan.frozen
        yield Tensor(own.path, path, own.shape, shards, dtype, is_trained=trained)


def local_size(size: int, count: int, place: int) -> int:
    """The part of a dim that ``torch.chunk`` gives: all are as large as the first, but the last."""
    chunk = -(-size // count)
    return max(0, min(chunk, size - place * chunk))


def part(tensor: Tensor, axes: Mapping[str, int], places: Mapping[str, int]) -> Part:
    """A rank's part, from where it is on each axis. FSDP2 makes room for the first one's size."""
    own, padded = list(tensor.shape), list(tensor.shape)
    for axis, dim in tensor.shards:
        own[dim] = local_size(own[dim], axes[axis], places[axis])
        padded[dim] = local_size(padded[dim], axes[axis], 0)
    return Part(math.prod(own), math.prod(padded))
