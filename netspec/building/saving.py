"""Tensors to files, with the system's errors as OSError."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from netspec.files import OutputFile


def under_one_key(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without further keys of the same one, which safetensors refuses.

    The first by the alphabet stays, as with ``safetensors.torch.save_model``, whose metadata about
    the others is left out: its order is another in each file.
    """
    first: dict[object, str] = {}
    for key in sorted(tensors):
        tensor = tensors[key]
        memory = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        first.setdefault(memory if tensor.numel() else key, key)
    kept = set(first.values())
    return {key: tensor for key, tensor in tensors.items() if key in kept}


def save_safetensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(dict(tensors), file, metadata={"format": "pt"})
    except SafetensorError as error:  # it has the system's errors as text
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise
        number = int(found.group(1))
        raise OSError(number, os.strerror(number)) from error


def save_torch(tensors: Mapping[str, Tensor], file: Path) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    with OutputFile(file) as opened:
        torch.save(dict(tensors), opened)
