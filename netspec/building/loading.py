"""Weights from a file into a model that was made without memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from netspec.building.checkpoint import read_tensors
from netspec.building.modules import make_layer
from netspec.building.weights import tie
from netspec.diagnostics import Diagnostic, Location, Note, SpecError, nearest
from netspec.planning import Plan

SHOWN = 8  # names in one message


def load_weights(
    model: nn.Module, plan: Plan, file: str | os.PathLike[str], dtype: torch.dtype | None
) -> None:
    """Gives a model on the meta device the tensors of a file, and computes what no file has.

    Args:
        dtype: what floating-point tensors are cast to; None takes them as they are, and refuses
            those of another dtype than the model's.

    Raises:
        SpecError: the file cannot be read, or its names, shapes or dtypes are not the model's. The
            model has no weights then, not some.
    """
    tensors = fitting_tensors(model, plan, file, dtype)
    if dtype is not None:
        tensors = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    model.load_state_dict(tensors, assign=True)
    tie(model, plan)
    _compute_the_rest(model, plan)


def fitting_tensors(
    model: nn.Module, plan: Plan, file: str | os.PathLike[str], dtype: torch.dtype | None
) -> dict[str, Tensor]:
    """The tensors of a file, which have the names, shapes and dtypes of the model's.

    Args:
        dtype: floating-point tensors of another dtype are taken, where it is given.

    Raises:
        SpecError: the file cannot be read, or they have others.
    """
    tensors = read_tensors(file)
    own = model.state_dict()
    _fill_ties(tensors, plan)
    found = [
        *_names(tensors, own, plan, file),
        *_differences(tensors, own, plan, file, is_cast=dtype is not None),
    ]
    if found:
        raise SpecError(found)
    return tensors


def _fill_ties(tensors: dict[str, Tensor], plan: Plan) -> None:
    """Files may hold a tied parameter under one of its names; safetensors' own tools write one."""
    for one in plan.ties:
        key = next((key for key in one.keys if key in tensors), None)
        if key is not None:
            for other in one.keys:
                tensors.setdefault(other, tensors[key])


def _names(
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    plan: Plan,
    file: str | os.PathLike[str],
) -> list[Diagnostic]:
    missing = [name for name in own if name not in tensors]
    left_over = [name for name in tensors if name not in own]
    found = []
    if missing:
        near = {name: nearest(name, left_over) for name in missing[:SHOWN]}
        notes = [
            f"{name}: the file has {near[name]}" if near[name] else name for name in missing[:SHOWN]
        ]
        help = [_prefix(missing, left_over)]
        found.append(_finding(f"{_count(missing)} missing", notes, missing, file, help))
    if left_over:
        notes = left_over[:SHOWN]
        found.append(_finding(f"{_count(left_over)} left over", notes, left_over, file, []))
    for one in plan.ties:
        first = tensors.get(one.source)
        for key in one.others:
            second = tensors.get(key)
            if first is None or second is None or first.shape != second.shape:
                continue
            if first.data_ptr() != second.data_ptr() and not torch.equal(first, second):
                message = f"{key} and {one.source} are one parameter, but differ in the file"
                instead = "remove the tie, or one of the two"
                found.append(_finding(message, [], [], file, [instead]))
    return found


def _prefix(missing: Sequence[str], left_over: Sequence[str]) -> str:
    """What to do where a prefix is all that differs (``module.`` of DistributedDataParallel)."""
    for name in left_over:
        for wanted in missing[:1]:
            if name.endswith(f".{wanted}"):
                prefix = name.removesuffix(wanted)
                return f"the file's names begin with `{prefix}`: save them without it"
    return ""


def _differences(
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    plan: Plan,
    file: str | os.PathLike[str],
    *,
    is_cast: bool,
) -> list[Diagnostic]:
    shared = [name for name in own if name in tensors]
    shapes = [name for name in shared if tensors[name].shape != own[name].shape]
    found = []
    if shapes:
        notes = [
            f"{name} is {list(tensors[name].shape)} in the file, {list(own[name].shape)} here"
            for name in shapes[:SHOWN]
        ]
        found.append(_finding(f"{_count(shapes)} of another shape", notes, shapes, file, [], plan))
    dtypes = [
        name
        for name in shared
        if tensors[name].dtype != own[name].dtype
        and not (is_cast and tensors[name].is_floating_point() and own[name].is_floating_point())
    ]
    if dtypes:
        notes = [
            f"{name} is {_dtype(tensors[name])} in the file, {_dtype(own[name])} in the model"
            for name in dtypes[:SHOWN]
        ]
        first = tensors[dtypes[0]]
        help = []
        if first.is_floating_point():
            help = [f"`dtype={_dtype(first)!r}` makes the model of it, another dtype casts it"]
        found.append(_finding(f"{_count(dtypes)} of another dtype", notes, dtypes, file, help))
    return found


def _count(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{len(names)} tensors are"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _finding(
    message: str,
    notes: Sequence[str],
    names: Sequence[str],
    file: str | os.PathLike[str],
    help: Sequence[str],
    plan: Plan | None = None,
) -> Diagnostic:
    shown = [Note(note) for note in notes]
    if len(names) > SHOWN:
        shown.append(Note(f"and {len(names) - SHOWN} more"))
    if plan is not None:
        owner = next((row for row in plan.layers if names[0].startswith(f"{row.path}.")), None)
        if owner is not None:
            span = owner.origin.span()
            shown.append(Note(f"`{owner.path}` is written here", span.locate()))
    where = Location(str(Path(file)))
    return Diagnostic(
        "wrong-weights", message, where, "error", tuple(shown), tuple(filter(None, help))
    )


def _compute_the_rest(model: nn.Module, plan: Plan) -> None:
    """Buffers that are in no file, and other tensors that constructors compute, are made anew."""
    for row in plan.layers:
        module = model.get_submodule(row.path)
        if row.is_reused or not any(_on_meta(part) for part in module.modules()):
            continue
        fresh = dict(make_layer(row).named_modules())
        for path, part in module.named_modules():
            for name in _on_meta(part):
                if name in part._buffers:
                    part._buffers[name] = fresh[path]._buffers[name]
                else:
                    setattr(part, name, getattr(fresh[path], name))


def _on_meta(module: nn.Module) -> list[str]:
    """The buffers and plain attributes of a module without values."""
    held = {**module._buffers, **vars(module)}
    return [name for name, value in held.items() if isinstance(value, Tensor) and value.is_meta]
