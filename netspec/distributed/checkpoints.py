"""Checkpoints that any layout can go on from, and weights for everyone else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
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

from netspec.building.saving import save_safetensors
from netspec.diagnostics import Diagnostic, Location, SpecError
from netspec.distributed.distribute import Distributed
from netspec.distributed.metadata import read_metadata
from netspec.distributed.storage import Planner, Reader, Writer
from netspec.files import CannotWrite, cannot_write, written_whole
from netspec.threads import is_alone

PathLike = str | os.PathLike[str]
# Flat, so that ranks of a pipeline, which have different parameters, need no common numbering.
FLAT = StateDictOptions(flatten_optimizer_state_dict=True)


def save_checkpoint(
    found: Distributed, folder: PathLike, optimizer: Optimizer | None = None
) -> None:
    """Every process writes its part of the weights, and of the optimizer's state, to a folder.

    Called by all alike. The names are those of ``state_dict``, whatever the layout. A checkpoint
    that is in the folder is replaced once the new one is complete.
    https://docs.pytorch.org/docs/stable/distributed.checkpoint.html

    Raises:
        OSError: the folder cannot be written to, or the disk is full. An older checkpoint in it
            is as it was, and nothing is left of the new one.
    """
    writer = Writer(Path(folder))
    try:
        with _without_a_warning():
            save(_state(found, optimizer), storage_writer=writer)
    except CheckpointException as problem:
        writer.discard()
        error = _cause(problem)
        if not isinstance(error, OSError):
            raise
        raise _unwritable("the checkpoint", folder, error) from error
    except BaseException:
        writer.discard()
        raise


def load_checkpoint(
    found: Distributed, folder: PathLike, optimizer: Optimizer | None = None
) -> None:
    """Every process reads its part of a checkpoint, which may be of another layout.

    No code is run that a checkpoint holds: anything but tensors and plain values is refused.

    Raises:
        SpecError: the folder is no checkpoint, is damaged, or is that of another model or
            optimizer. All is found before anything is read but for damage inside of a file.
    """
    state = _state(found, optimizer)
    metadata: Metadata | None = None
    problem = ""
    try:
        metadata = read_metadata(Path(folder))
        problem = _difference(state, metadata)
    except (OSError, ValueError) as error:
        problem = f"this is no checkpoint of torch.distributed: {_reason(error)}"
    problem = _of_any_rank(problem)
    if problem or metadata is None:
        raise _error(folder, problem)
    _read(state, folder, metadata)
    set_model_state_dict(found.model, state["model"], options=FLAT)
    if optimizer is not None:
        set_optimizer_state_dict(found.model, optimizer, state["optimizer"], options=FLAT)


def consolidate(folder: PathLike, file: PathLike) -> None:
    """Writes the weights of a checkpoint to one ``.safetensors`` file, under the plain names.

    One process does it, and ``netspec.build(spec, weights=file)`` reads it.

    Raises:
        SpecError: the folder is no checkpoint, or is damaged.
        OSError: the file cannot be written; one that was there is as it was.
    """
    try:
        metadata = read_metadata(Path(folder))
    except (OSError, ValueError) as error:
        raise _error(
            folder, f"this is no checkpoint of torch.distributed: {_reason(error)}"
        ) from error
    tensors: dict[str, Tensor] = {
        name.removeprefix("model."): torch.empty(entry.size, dtype=entry.properties.dtype)
        for name, entry in metadata.state_dict_metadata.items()
        if name.startswith("model.") and isinstance(entry, TensorStorageMetadata)
    }
    if not tensors:
        raise _error(folder, "the checkpoint has no weights of a model")
    _read({"model": tensors}, folder, metadata, no_dist=True)
    try:
        with written_whole(Path(file)) as unfinished:
            save_safetensors(tensors, unfinished)
    except OSError as error:
        raise _unwritable("the weights", file, error) from error


@contextmanager
def _without_a_warning() -> Iterator[None]:
    """One process may save and load as well: torch need not say that there is but one."""
    if not is_alone():
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")
        yield


def _state(found: Distributed, optimizer: Optimizer | None) -> dict[str, Any]:
    state: dict[str, Any] = {"model": get_model_state_dict(found.model, options=FLAT)}
    if optimizer is not None:
        state["optimizer"] = get_optimizer_state_dict(found.model, optimizer, options=FLAT)
    return state


def _read(
    state: dict[str, Any], folder: PathLike, metadata: Metadata, *, no_dist: bool = False
) -> None:
    """
    Raises:
        SpecError: a data file is damaged, or holds what is neither a tensor nor a plain value.
    """
    reader = Reader(Path(folder), metadata)
    try:
        with _without_a_warning():
            load(state, storage_reader=reader, planner=Planner(), no_dist=no_dist)
    except CheckpointException as problem:
        error = _cause(problem)
        raise _error(folder, f"a file of it is damaged or refused: {_reason(error)}") from error


def _difference(state: dict[str, Any], metadata: Metadata) -> str:
    """What is missing in a checkpoint, or has another shape; empty if it fits."""
    saved = metadata.state_dict_metadata
    for part, values in state.items():
        for name, value in values.items():
            entry = saved.get(f"{part}.{name}")
            if entry is None:
                return f"the checkpoint has no {part} {name}"
            if isinstance(value, Tensor) != isinstance(entry, TensorStorageMetadata):
                return f"{part} {name} is of another kind in the checkpoint"
            if isinstance(entry, TensorStorageMetadata) and value.shape != entry.size:
                return (
                    f"{part} {name} is {list(value.shape)}, but {list(entry.size)} in the "
                    "checkpoint"
                )
    return ""


def _of_any_rank(problem: str) -> str:
    """The first rank's problem, on all: none of them begins to read and waits for the others."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return problem
    problems: list[str] = [""] * distributed.get_world_size()
    distributed.all_gather_object(problems, problem)
    return next(filter(None, problems), "")


def _cause(problem: CheckpointException) -> BaseException:
    """What failed on the first rank that tells of the system, else on the first."""
    causes = [error for error, _ in problem.failures.values()]
    return next((error for error in causes if isinstance(error, OSError)), causes[0])


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(error).partition("\n")[0].split())[:200]


def _unwritable(what: str, path: PathLike, error: OSError) -> CannotWrite:
    reason = error if isinstance(error, CannotWrite) else cannot_write(error)
    return CannotWrite(error.errno or 0, f"{what} cannot be written to {os.fspath(path)}: {reason}")


def _error(folder: PathLike, message: str) -> SpecError:
    return SpecError([Diagnostic("bad-checkpoint", message, Location(str(Path(folder))))])
