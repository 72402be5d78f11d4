"""Tensors of a file into a model that was made without memory, and fresh ones beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netspec.building.checkpoint import Checkpoint, read_checkpoint
from netspec.building.drawing import draw
from netspec.building.modules import make_layer
from netspec.building.random import SeedBy
from netspec.building.tensors import independent, problem_of
from netspec.building.weights import tie
from netspec.diagnostics import Diagnostic, Location, Note, SpecError, listed, nearest
from netspec.planning import Plan
from netspec.source.nodes import shortened
from netspec.weights import LoadedWeights, Weights
from netspec.weights.advice import Advice, advise
from netspec.weights.matching import Match, match, renamed

SHOWN = 8  # names in one message
NAME = 80  # letters of a name in a message


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
    others = {key for one in plan.ties for key in one.others}
    for key in loaded.fresh:
        path, _, name = key.rpartition(".")
        module = model.get_submodule(path)
        old = module._parameters.get(name)
        if old is not None and key not in others:
            made = nn.Parameter(torch.empty_like(old, device="cpu"), old.requires_grad)
            setattr(module, name, made)
            held[key] = made
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
    own = model.state_dict()
    matched = match(weights, checkpoint.entries, own)
    if matched.problems:
        raise SpecError(
            [_finding(weights, message, help=[help]) for message, help in matched.problems]
        )
    taken = {new: checkpoint.entries[old] for new, old in matched.taken.items()}
    kinds = [(name, problem_of(value)) for name, value in taken.items()]
    wrong = [(name, problem) for name, problem in kinds if problem]
    tensors = {name: value for name, value in taken.items() if isinstance(value, Tensor)}
    shapes = [name for name in tensors if name in own and tensors[name].shape != own[name].shape]
    fitting = {name: tensors[name] for name in tensors if name not in shapes} if not wrong else {}
    found = [] if wrong else _ties_that_differ(fitting, plan, weights)
    missing, unknown = (
        _load(model, plan, _cast(fitting, own, dtype), checkpoint, weights)
        if not wrong
        else ([], [])
    )
    missing = [name for name in missing if name not in matched.fresh and name not in shapes]
    advice = None
    if key is not None or missing or unknown or shapes or wrong:
        advice = _advice(model, plan, replace(weights, key=key or weights.key), checkpoint, matched)
    if key is not None:
        raise SpecError([_nested(weights, key, advice)])
    whole = _report_kinds(wrong, weights)
    whole += _report_names(missing, unknown, weights, advice)
    whole += found
    whole += _report_shapes(shapes, tensors, own, plan, weights, advice if not whole else None)
    whole += _report_dtypes(fitting, own, weights, is_cast=dtype is not None)
    if whole:
        raise SpecError(whole)
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
        raise SpecError([_finding(weights, message, code="bad-weights")])
    if not names or any(isinstance(value, Tensor) for value in checkpoint.entries.values()):
        return checkpoint, None
    if not parts:
        shown = listed([repr(shortened(name)) for name in names][:SHOWN])
        message = f"it holds a mapping with {shown}, not tensors by name"
        help = "save the `state_dict` alone"
        raise SpecError([_finding(weights, message, code="bad-weights", help=[help])])
    # Under these words Lightning, timm, nanoGPT and others save; else the largest.
    usual = [name for name in ("state_dict", "model_state_dict", "model") if name in parts]
    key = usual[0] if usual else max(parts, key=lambda name: len(parts[name].entries))
    return parts[key], key


def _cast(
    tensors: Mapping[str, Tensor], own: Mapping[str, Tensor], dtype: torch.dtype | None
) -> dict[str, Tensor]:
    """The tensors with memory of their own each, in the dtype that is asked for."""
    if dtype is None:
        return independent(tensors)
    return independent(
        {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
    )


def _load(
    model: nn.Module,
    plan: Plan,
    tensors: Mapping[str, Tensor],
    checkpoint: Checkpoint,
    weights: Weights,
) -> tuple[list[str], list[str]]:
    """The keys of the model that are missing, and the names that it does not know.

    Raises:
        SpecError: a module refuses the tensors.
    """
    state: Any = OrderedDict(tensors)
    for one in plan.ties:
        key = next((key for key in one.keys if key in state), None)
        if key is not None:
            state.update(dict.fromkeys(one.keys, state[key]))
    if checkpoint.versions:
        state._metadata = {
            renamed(path, weights.rename): version for path, version in checkpoint.versions.items()
        }
    try:
        result = model.load_state_dict(state, strict=False, assign=True)
    except Exception as problem:  # a module's own reading of what a stranger has made
        reason = shortened(" ".join(str(problem).split()), 300)
        raise SpecError([_finding(weights, f"the model refuses it: {reason}")]) from problem
    tie(model, plan)
    return list(result.missing_keys), list(result.unexpected_keys)


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


# ---- findings


def _nested(weights: Weights, key: str, advice: Advice | None) -> Diagnostic:
    advised = replace(weights, key=key) if advice is None else advice.weights
    why = f" ({advice.why})" if advice is not None and advice.why else ""
    message = f"its tensors are under {shortened(key)!r}, not at its top"
    help = f"write `{advised.written()}`{why}"
    return _finding(weights, message, code="bad-weights", help=[help])


def _report_kinds(wrong: Sequence[tuple[str, str]], weights: Weights) -> list[Diagnostic]:
    if not wrong:
        return []
    notes = [f"{_short(name)} is {problem}" for name, problem in wrong]
    message = f"{_count([name for name, _ in wrong])} no values that a parameter can have"
    help = "name in `only` what is to be taken, or save dense tensors with their values"
    return [_finding(weights, message, notes, help=[help])]


def _report_names(
    missing: Sequence[str], unknown: Sequence[str], weights: Weights, advice: Advice | None
) -> list[Diagnostic]:
    help = _help(advice)
    notes = [
        f"{name}: the file has {near}" if (near := _near(name, unknown)) else name
        for name in missing[:SHOWN]
    ]
    notes += missing[SHOWN:]
    if advice is not None and advice.why and missing and unknown:
        message = f"{_count(missing)} missing, {len(unknown)} left over: their names differ"
        return [_finding(weights, message, notes, help=help)]
    found = []
    if missing:
        found.append(_finding(weights, f"{_count(missing)} missing", notes, help=help))
    if unknown:
        notes = [_short(name) for name in unknown]
        message = f"{_count(unknown)} left over"
        found.append(_finding(weights, message, notes, help=[] if found else help))
    return found


def _near(name: str, others: Sequence[str]) -> str:
    """The name of the file that is meant: one that ends alike, or the nearest."""
    end = f".{name}"
    alike = next((other for other in others if other.endswith(end)), None)
    return _short(alike or nearest(name, others) or "")


def _help(advice: Advice | None) -> list[str]:
    if advice is None:
        return []
    why = f"{advice.why}: " if advice.why else ""
    many = "1 tensor" if advice.loaded == 1 else f"{advice.loaded:,} tensors"
    left = ", and leaves the others fresh" if advice.weights.fresh else ""
    return [f"{why}`{advice.weights.written()}` loads {many}{left}"]


def _ties_that_differ(
    tensors: Mapping[str, Tensor], plan: Plan, weights: Weights
) -> list[Diagnostic]:
    found = []
    for one in plan.ties:
        first, *others = [key for key in one.keys if key in tensors] or [""]
        for key in others:
            two = tensors[first], tensors[key]
            if two[0].data_ptr() != two[1].data_ptr() and not torch.equal(*two):
                message = f"{key} and {first} are one parameter, but differ in the file"
                help = "remove the tie, or one of the two"
                found.append(_finding(weights, message, help=[help]))
    return found


def _report_shapes(
    names: Sequence[str],
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    plan: Plan,
    weights: Weights,
    advice: Advice | None,
) -> list[Diagnostic]:
    if not names:
        return []
    notes = [
        f"{name} is {list(tensors[name].shape)} in the file, {list(own[name].shape)} here"
        for name in names
    ]
    owner = next((row for row in plan.layers if names[0].startswith(f"{row.path}.")), None)
    written = None
    if owner is not None:
        written = Note(f"`{owner.path}` is written here", owner.origin.span().locate())
    message = f"{_count(names)} of another shape"
    return [_finding(weights, message, notes, help=_help(advice), last=written)]


def _report_dtypes(
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    weights: Weights,
    *,
    is_cast: bool,
) -> list[Diagnostic]:
    dtypes = [
        name
        for name in own
        if name in tensors
        and tensors[name].dtype != own[name].dtype
        and not (is_cast and tensors[name].is_floating_point() and own[name].is_floating_point())
    ]
    if not dtypes:
        return []
    notes = [
        f"{name} is {_dtype(tensors[name])} in the file, {_dtype(own[name])} in the model"
        for name in dtypes
    ]
    first = tensors[dtypes[0]]
    help = []
    if first.is_floating_point():
        help = [f"`dtype={_dtype(first)!r}` makes the model of it, another dtype casts it"]
    return [_finding(weights, f"{_count(dtypes)} of another dtype", notes, help=help)]


def _count(names: Sequence[str]) -> str:
    return f"{_short(names[0])} is" if len(names) == 1 else f"{len(names)} tensors are"


def _short(name: str) -> str:
    return shortened(name, NAME)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _finding(
    weights: Weights,
    message: str,
    notes: Sequence[str] = (),
    *,
    help: Sequence[str] = (),
    last: Note | None = None,
    code: str = "wrong-weights",
) -> Diagnostic:
    shown = [Note(note) for note in notes[:SHOWN]]
    if len(notes) > SHOWN:
        shown.append(Note(f"and {len(notes) - SHOWN} more"))
    if last is not None:
        shown.append(last)
    where = Location(str(weights.path))
    return Diagnostic(code, message, where, "error", tuple(shown), tuple(filter(None, help)))


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
