"""Tensors of a file into a model that was made without memory, and fresh ones beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netspec.building.checkpoint import Checkpoint, read_checkpoint
from netspec.building.drawing import draw
from netspec.building.misfits import (
    finding,
    nested,
    refused_by_model,
    report_dtypes,
    report_kinds,
    report_names,
    report_shapes,
    report_ties,
    require_no_problems,
)
from netspec.building.modules import make_layer
from netspec.building.random import SeedBy
from netspec.building.tensors import independent, problem_of
from netspec.building.weights import tie
from netspec.diagnostics import SpecError, listed
from netspec.planning import Plan
from netspec.source.nodes import shortened
from netspec.weights import LoadedWeights, Weights
from netspec.weights.advice import Advice, advise
from netspec.weights.matching import Match, match, renamed

SHOWN = 8  # names in one message
MOST_OLD = 1_000  # names that hooks of modules may know from old versions


def load_weights(
    model: nn.Module,
    plan: Plan,
    weights: Weights,
    dtype: torch.dtype | None,
    *,
    seed: int | None = None,
    seed_by: SeedBy = "order",
    init: bool = True,
) -> LoadedWeights:
    """Fill a model on the meta device from a file; draw what is fresh, and compute the rest.

    Args:
        dtype: what floating-point tensors are cast to; None takes them as they are, and refuses
            those of another dtype than the model's.
        seed, seed_by, init: of the fresh ones, whose values are those of a model without a file.

    Raises:
        SpecError: the file cannot be read, or its names, shapes or dtypes are not the model's.
    """
    loaded = fill(model, plan, weights, dtype)
    held: dict[str, Tensor] = {}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    others = {key for one in plan.ties for key in one.others}
    for key in loaded.fresh:
        if key in parameters and key not in others:
            _assign(model, key, torch.empty_like(parameters[key], device="cpu"))
            held[key] = model.get_parameter(key)
    tie(model, plan)
    _compute_the_rest(model, plan)
    if held:
        draw(plan, held, seed=seed, seed_by=seed_by, init=init)
    return loaded


def fill(
    model: nn.Module, plan: Plan, weights: Weights, dtype: torch.dtype | None
) -> LoadedWeights:
    """Assign the tensors of a file to the parameters and buffers of a model on the meta device.

    As ``Module.load_state_dict`` does it, hooks and old versions of modules included. Fresh ones
    stay on meta.

    Raises:
        SpecError: the file cannot be read, or its names, shapes or dtypes are not the model's. The
            model is of no use then.
    """
    checkpoint, key = _entries(weights, read_checkpoint(weights.path))
    checkpoint.require_names(weights.path)
    own = model.state_dict()
    matched = match(weights, checkpoint.entries, own)
    require_no_problems(weights, matched.problems)
    taken = {new: checkpoint.entries[old] for new, old in matched.taken.items()}
    wrong = {name: problem for name, value in taken.items() if (problem := problem_of(value))}
    tensors = {name: value for name, value in taken.items() if isinstance(value, Tensor)}
    shapes = {name for name in tensors if name in own and tensors[name].shape != own[name].shape}
    missing: list[str] = []
    unknown: list[str] = []
    found = report_kinds(weights, wrong)
    if not wrong:
        fitting = {name: value for name, value in tensors.items() if name not in shapes}
        missing, unknown = _load(model, plan, weights, checkpoint, fitting, own, dtype)
        missing = [name for name in missing if name not in matched.fresh | shapes]
        found += report_ties(weights, fitting, plan)
        found += report_dtypes(weights, fitting, own, is_cast=dtype is not None)
    if key is not None or missing or unknown or shapes or wrong:
        chosen = replace(weights, key=key or weights.key)
        advice = _advice(model, plan, chosen, checkpoint, matched)
        if key is not None:
            raise SpecError([nested(weights, key, advice)])
        names = report_names(weights, missing, unknown, advice)
        advice = None if names else advice
        found = [*names, *report_shapes(weights, shapes, tensors, own, plan, advice), *found]
    if found:
        raise SpecError(found)
    now = model.state_dict()
    filled = _filled(matched, now, plan)
    fresh = tuple([name for name in now if name in matched.fresh and now[name].is_meta])
    return LoadedWeights(str(weights.path), filled, fresh, matched.left)


def _entries(weights: Weights, checkpoint: Checkpoint) -> tuple[Checkpoint, str | None]:
    """The part of a checkpoint that holds tensors; its key where the argument does not say it.

    Raises:
        SpecError: there is no such part.
    """
    names = list(checkpoint.entries)
    parts = {
        name: part
        for name in names
        if isinstance(checkpoint.entries[name], Mapping)
        and (part := checkpoint.inside(name)) is not None
        and any(isinstance(value, Tensor) for value in part.entries.values())
    }
    if weights.key is not None:
        if weights.key in parts:
            return parts[weights.key], None
        has = listed([repr(shortened(name)) for name in parts][:SHOWN], "and") or "none"
        message = (
            f"it holds no tensors under {shortened(weights.key)!r}: those with tensors are {has}"
        )
        raise SpecError([finding(weights, message, code="bad-weights")])
    if not names or any(isinstance(value, Tensor) for value in checkpoint.entries.values()):
        return checkpoint, None
    if not parts:
        shown = listed([repr(shortened(name)) for name in names][:SHOWN])
        message = f"it holds a mapping with {shown}, not tensors by name"
        help = "save the `state_dict` alone"
        raise SpecError([finding(weights, message, code="bad-weights", help=[help])])
    # Under these words Lightning, timm, nanoGPT and others save; else the largest.
    usual = [name for name in ("state_dict", "model_state_dict", "model") if name in parts]
    key = usual[0] if usual else max(parts, key=lambda name: len(parts[name].entries))
    return parts[key], key


def _load(
    model: nn.Module,
    plan: Plan,
    weights: Weights,
    checkpoint: Checkpoint,
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    dtype: torch.dtype | None,
) -> tuple[list[str], list[str]]:
    """Assign tensors; return the keys that are missing, and the names that no module knows.

    Raises:
        SpecError: a module refuses the tensors.
    """
    # What no module knows is not copied: a small file can have a tensor of any size (`expand`).
    known = _usable({name: tensors[name] for name in own if name in tensors}, dtype)
    # Nor is each module asked about all names, where there are too many to be old ones.
    others = [name for name in tensors if name not in known]
    few = others if len(others) <= MOST_OLD else []
    state: Any = OrderedDict({**{name: tensors[name] for name in few}, **known})
    for one in plan.ties:
        key = next((key for key in one.keys if key in known), None)
        if key is not None:
            state.update(dict.fromkeys(one.keys, known[key]))
    if checkpoint.versions:
        state._metadata = {
            renamed(path, weights.rename): version for path, version in checkpoint.versions.items()
        }
    try:
        result = model.load_state_dict(state, strict=False, assign=True)
    except Exception as problem:  # a module's own reading of what a stranger has made
        raise SpecError([refused_by_model(weights, problem)]) from problem
    # What a module's hook has taken under an old name.
    by_hook = {
        name: value
        for name, value in model.state_dict().items()
        if name not in state and not value.is_meta
    }
    for name, value in _usable(by_hook, dtype).items():
        _assign(model, name, value)
    tie(model, plan)
    unknown = list(result.unexpected_keys) if few else others
    return list(result.missing_keys), unknown


def _usable(tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> dict[str, Tensor]:
    """The tensors with memory of their own each, in the dtype that is asked for."""
    if dtype is None:
        return independent(tensors)
    return independent(
        {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    )


def _assign(model: nn.Module, key: str, value: Tensor) -> None:
    """Make a tensor the parameter or the buffer of a key."""
    path, _, name = key.rpartition(".")
    module = model.get_submodule(path)
    old = module._parameters.get(name)
    setattr(module, name, value if old is None else nn.Parameter(value, old.requires_grad))


def _filled(matched: Match, now: Mapping[str, Tensor], plan: Plan) -> dict[str, str]:
    """The names in the file by the keys that they fill, those of ties included."""
    found = {key: matched.taken[key] for key in now if key in matched.taken}
    for one in plan.ties:
        name = next((found[key] for key in one.keys if key in found), None)
        if name is not None:
            found |= {key: found.get(key, name) for key in one.keys}
    return found


def _advice(
    model: nn.Module, plan: Plan, weights: Weights, checkpoint: Checkpoint, matched: Match
) -> Advice | None:
    counters = {
        f"{path}.num_batches_tracked".removeprefix(".")
        for path, module in model.named_modules()
        if isinstance(module, _NormBase)
    }
    entries = checkpoint.entries
    names = {
        new: tuple(value.shape) if not problem_of(value) and isinstance(value, Tensor) else None
        for new, value in ((new, entries[old]) for new, old in matched.taken.items())
    }
    wanted = {
        key: tuple(value.shape)
        for key, value in model.state_dict().items()
        if key not in matched.fresh
    }
    return advise(
        weights,
        names,
        wanted,
        others=[renamed(name, weights.rename) for name in matched.left],
        sources={key: one.source for one in plan.ties for key in one.keys},
        optional=counters,
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
