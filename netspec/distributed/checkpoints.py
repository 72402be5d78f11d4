"""Checkpoints that any layout can go on from, and weights for everyone else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.optim import Optimizer

from netspec.diagnostics import Diagnostic, Location, SpecError
from netspec.distributed.distribute import Distributed

PathLike = str | os.PathLike[str]
# Flat, so that ranks of a pipeline, which have different parameters, need no common numbering.
FLAT = StateDictOptions(flatten_optimizer_state_dict=True)


def save_checkpoint(
    found: Distributed, folder: PathLike, optimizer: Optimizer | None = None
) -> None:
    """Every process writes its part of the weights, and of the optimizer's state, to a folder.

    Called by all alike. The names are those of ``state_dict``, whatever the layout.
    https://docs.pytorch.org/docs/stable/distributed.checkpoint.html
    """
    with _without_a_warning():
        save(_state(found, optimizer), checkpoint_id=folder)


def load_checkpoint(
    found: Distributed, folder: PathLike, optimizer: Optimizer | None = None
) -> None:
    """Every process reads its part of a checkpoint, which may be of another layout.

    Raises:
        SpecError: the folder is no checkpoint, or is that of another model or optimizer.
    """
    state = _state(found, optimizer)
    _require_fitting(state, folder)
    with _without_a_warning():
        load(state, checkpoint_id=folder)
    set_model_state_dict(found.model, state["model"], options=FLAT)
    if optimizer is not None:
        set_optimizer_state_dict(found.model, optimizer, state["optimizer"], options=FLAT)


def consolidate(folder: PathLike, file: PathLike) -> None:
    """Writes the weights of a checkpoint to one ``.safetensors`` file, under the plain names.

    One process does it, and ``netspec.build(spec, weights=file)`` reads it.

    Raises:
        SpecError: the folder is no checkpoint.
    """
    from safetensors.torch import save_file

    metadata = _metadata(folder)
    tensors: dict[str, Tensor] = {
        name.removeprefix("model."): torch.empty(entry.size, dtype=entry.properties.dtype)
        for name, entry in metadata.items()
        if name.startswith("model.") and isinstance(entry, TensorStorageMetadata)
    }
    with _without_a_warning():
        load({"model": tensors}, checkpoint_id=folder, no_dist=True)
    save_file(tensors, file, metadata={"format": "pt"})


@contextmanager
def _without_a_warning() -> Iterator[None]:
    """One process may save and load as well: torch need not say that there is but one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        yield


def _state(found: Distributed, optimizer: Optimizer | None) -> dict[str, Any]:
    state: dict[str, Any] = {"model": get_model_state_dict(found.model, options=FLAT)}
    if optimizer is not None:
        state["optimizer"] = get_optimizer_state_dict(found.model, optimizer, options=FLAT)
    return state


def _metadata(folder: PathLike) -> dict[str, Any]:
    """
    Raises:
        SpecError: the folder is no checkpoint.
    """
    try:
        read: dict[str, Any] = FileSystemReader(folder).read_metadata().state_dict_metadata
    except Exception as problem:  # whatever pickle finds in the file
        raise _error(folder, f"this is no checkpoint of torch.distributed: {problem}") from problem
    return read


def _require_fitting(state: dict[str, Any], folder: PathLike) -> None:
    """
    Raises:
        SpecError: something is missing in the checkpoint, or has another shape.
    """
    saved = _metadata(folder)
    for part, values in state.items():
        for name, value in values.items():
            entry = saved.get(f"{part}.{name}")
            if entry is None:
                raise _error(folder, f"the checkpoint has no {part} {name}")
            if isinstance(value, Tensor) and value.shape != getattr(entry, "size", value.shape):
                raise _error(
                    folder,
                    f"{part} {name} is {list(value.shape)}, but {list(entry.size)} in the "
                    "checkpoint",
                )


def _error(folder: PathLike, message: str) -> SpecError:
    return SpecError([Diagnostic("bad-checkpoint", message, Location(str(Path(folder))))])
