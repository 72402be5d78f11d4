"""The memory that a forward pass takes, told on the meta device."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, UntypedStorage, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_bytes(model: nn.Module, *shapes: tuple[int, ...]) -> int:
    """The bytes of the values that live at once in evaluation, at most; weights and inputs apart.

    Args:
        shapes: of the inputs. The model is moved to the meta device.
    """
    model = model.eval().to("meta")
    inputs = [torch.empty(shape, device="meta") for shape in shapes]
    live = _Live([*inputs, *model.parameters(), *model.buffers()])
    with torch.no_grad(), live:
        model(*inputs)
    return live.peak


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the storages that operations make until nobody holds them."""

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = {tensor.untyped_storage()._cdata for tensor in given}
        self.bytes: int = 0
        self.peak: int = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self.follow(value.untyped_storage())
        return result

    def follow(self, storage: UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.bytes += size
        self.peak = max(self.peak, self.bytes)
        weakref.finalize(storage, self.forget, key, size)

    def forget(self, key: int, size: int) -> None:
        self.known.remove(key)
        self.bytes -= size
