"""Tensors of a file as parameters need them: dense, with values, and each with its own memory."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def problem_of(value: object) -> str:
    """Why a value of a file cannot fill a parameter or a buffer; empty where it can."""
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}, not a tensor"
    if type(value) not in (Tensor, torch.nn.Parameter):
        return f"a {type(value).__name__}, not a plain tensor"
    if value.layout != torch.strided:
        return f"a tensor of the layout {str(value.layout).removeprefix('torch.')}, not a dense one"
    if value.is_quantized:
        return "quantized"
    if value.is_meta:
        return "a tensor of the meta device, without values"
    return ""


def independent(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, copied where two share memory or the values of one do (``Tensor.expand``).

    What is changed in one, as by an optimizer, is then changed in no other.
    """
    found = {name: _dense(tensor.detach()) for name, tensor in tensors.items()}
    # In the order of memory a tensor overlaps another where it begins before one ends.
    end = 0
    for name in sorted(found, key=lambda name: found[name].data_ptr()):
        tensor = found[name]
        if not tensor.numel():
            continue
        begin = tensor.data_ptr()
        if begin < end:
            found[name] = tensor.clone()
        else:
            end = begin + tensor.nbytes
    return found


def _dense(tensor: Tensor) -> Tensor:
    """A tensor whose values fill its memory, in the order of its dims or of ``channels_last``."""
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_contiguous():
        return tensor
    return tensor.clone(memory_format=torch.preserve_format)
