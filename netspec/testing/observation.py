"""What torch does with a layer."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from netspec.declaration import TensorType
from netspec.spec import Value

Shapes = dict[str, tuple[int, ...]]


class Observed(NamedTuple):
    """The output of a layer, its state as in ``state_dict``, and its FLOPs (on meta)."""

    shape: tuple[int, ...]
    dtype: str
    parameters: Shapes
    buffers: Shapes
    flops: int | None


class TorchRefusal(NamedTuple):
    """The error that torch raised, at construction or in the forward pass."""

    message: str


def observe(
    target: str, arguments: Mapping[str, Value], input: TensorType, device: str
) -> Observed | TorchRefusal:
    """Makes the layer on a device and runs it in eval mode, without gradients."""
    module, _, name = target.rpartition(".")
    made: Any = getattr(importlib.import_module(module), name)
    counter = FlopCounterMode(display=False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            with torch.device(device):
                layer = made(**arguments).eval()
            given = torch.zeros(
                [int(str(size)) for size in input.shape],
                dtype=getattr(torch, input.dtype),
                device=device,
            )
            if device == "meta":
                with counter:
                    output = layer(given)
            else:
                output = layer(given)
        except Exception as problem:
            return TorchRefusal(f"{type(problem).__name__}: {problem}")
    while not isinstance(output, torch.Tensor):
        output = output[0]  # of several outputs the first, as in the plan's first
    state = {key: tuple(value.shape) for key, value in layer.state_dict().items()}
    parameters = {key for key, _ in layer.named_parameters()}
    return Observed(
        tuple(output.shape),
        str(output.dtype).removeprefix("torch."),
        {key: shape for key, shape in state.items() if key in parameters},
        {key: shape for key, shape in state.items() if key not in parameters},
        counter.get_total_flops() if device == "meta" else None,
    )
