"""Forward pre-hooks that change a layer's inputs: where they are, or their dtype."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChangeInputs:
    """Gives a layer each of its input tensors, those of a tuple (``h_0, c_0``) too, as ``of`` says.

    Hooks touch neither the keys of ``state_dict`` nor the classes of the modules.
    """

    def __call__(
        self, module: nn.Module, inputs: tuple[object, ...], named: dict[str, object]
    ) -> tuple[tuple[object, ...], dict[str, object]]:
        changed = {name: self._changed(value) for name, value in named.items()}
        return tuple([self._changed(value) for value in inputs]), changed

    def _changed(self, value: object) -> object:
        if isinstance(value, tuple):
            return tuple([self._changed(each) for each in value])
        return self.of(value) if isinstance(value, Tensor) else value

    def of(self, tensor: Tensor) -> Tensor:
        raise NotImplementedError


class MoveInputs(ChangeInputs):
    """Moves a layer's inputs to its device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def of(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device)


class CastInputs(ChangeInputs):
    """Casts a layer's floating-point inputs to the dtype of its weights."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def of(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor
