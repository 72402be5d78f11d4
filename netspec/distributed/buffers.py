"""Buffers that layers change in training: running statistics, recomputed and over ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, distributed, nn

_broadcast_coalesced: Any = vars(distributed)["_broadcast_coalesced"]  # of C++, untyped
BUCKET = 250 * 2**20  # bytes that are sent at once, as torch's DistributedDataParallel does


def stored_buffers(model: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    """Those that are in ``state_dict``, once each."""
    seen: set[int] = set()
    for part in model.modules():
        for name, buffer in part._buffers.items():
            is_stored = name not in part._non_persistent_buffers_set
            if buffer is not None and is_stored and id(buffer) not in seen:
                seen.add(id(buffer))
                yield part, name, buffer


@contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """A recomputation changes copies: running statistics count each batch once."""
    own = list(stored_buffers(model))
    for part, name, buffer in own:
        part._buffers[name] = buffer.clone()
    try:
        yield
    finally:
        for part, name, buffer in own:
            part._buffers[name] = buffer


def share_buffers(model: nn.Module, groups: Sequence[distributed.ProcessGroup]) -> None:
    """After each forward in training all ranks have the buffers of the first rank.

    So they are those of torch's DistributedDataParallel, which sends them before the next forward.
    """
    if any(True for _ in stored_buffers(model)):
        model.register_forward_hook(_SharedBuffers(groups))


class _SharedBuffers:
    def __init__(self, groups: Sequence[distributed.ProcessGroup]) -> None:
        self.groups = groups

    def __call__(self, module: nn.Module, inputs: object, output: object) -> None:
        if not module.training:
            return
        # `data`: autograd, which may hold a buffer for backward, need not know of it.
        buffers = [buffer.data for _, _, buffer in stored_buffers(module)]
        for group in self.groups:
            _broadcast_coalesced(group, buffers, BUCKET, 0)
