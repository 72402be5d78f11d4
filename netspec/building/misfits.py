"""What is wrong with a file of weights for a model, and the argument that loads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from netspec.diagnostics import Diagnostic, Location, Note, SpecError, nearest
from netspec.planning import Plan
from netspec.source.nodes import shortened
from netspec.weights import Weights
from netspec.weights.advice import Advice

SHOWN = 8  # names in one message
NAME = 80  # letters of a name in a message
MOST_COMPARED = 10_000  # names of a file with one of the model


def require_no_problems(weights: Weights, problems: Iterable[tuple[str, str]]) -> None:
    """
    Raises:
        SpecError: the argument has mistakes.
    """
    found = [finding(weights, message, help=[help]) for message, help in problems]
    if found:
        raise SpecError(found)


def refused_by_model(weights: Weights, problem: Exception) -> Diagnostic:
    reason = shortened(" ".join(str(problem).split()), 300)
    return finding(weights, f"the model refuses it: {reason}")


def nested(weights: Weights, key: str, advice: Advice | None) -> Diagnostic:
    advised = replace(weights, key=key) if advice is None else advice.weights
    why = f" ({advice.why})" if advice is not None and advice.why else ""
    message = f"its tensors are under {shortened(key)!r}, not at its top"
    help = f"write `{advised.written()}`{why}"
    return finding(weights, message, code="bad-weights", help=[help])


def report_kinds(weights: Weights, wrong: Mapping[str, str]) -> list[Diagnostic]:
    """Report values that are no dense tensors, by their names with what they are."""
    if not wrong:
        return []
    notes = [f"{_short(name)} is {problem}" for name, problem in wrong.items()]
    message = f"{_count(wrong)} no values that a parameter can have"
    help = "name in `only` what is to be taken, or save dense tensors with their values"
    return [finding(weights, message, notes, help=[help])]


def report_names(
    weights: Weights, missing: Sequence[str], unknown: Sequence[str], advice: Advice | None
) -> list[Diagnostic]:
    """Report keys that the file does not fill and names that the model does not know."""
    help = _help(advice)
    notes = [
        f"{name}: the file has {near}" if (near := _near(name, unknown)) else name
        for name in missing[:SHOWN]
    ]
    notes += missing[SHOWN:]
    if advice is not None and advice.why and missing and unknown:
        message = f"{_count(missing)} missing, {len(unknown)} left over: their names differ"
        return [finding(weights, message, notes, help=help)]
    found = []
    if missing:
        found.append(finding(weights, f"{_count(missing)} missing", notes, help=help))
    if unknown:
        notes = [_short(name) for name in unknown]
        message = f"{_count(unknown)} left over"
        found.append(finding(weights, message, notes, help=[] if found else help))
    return found


def _near(name: str, others: Sequence[str]) -> str:
    """The name of the file that is meant: one that ends alike, or the nearest."""
    end = f".{name}"
    others = others[:MOST_COMPARED]
    alike = next((other for other in others if other.endswith(end)), None)
    return _short(alike or nearest(name, others) or "")


def _help(advice: Advice | None) -> list[str]:
    if advice is None:
        return []
    why = f"{advice.why}: " if advice.why else ""
    many = "1 tensor" if advice.loaded == 1 else f"{advice.loaded:,} tensors"
    left = ", and leaves the others fresh" if advice.weights.fresh else ""
    return [f"{why}`{advice.weights.written()}` loads {many}{left}"]


def report_ties(weights: Weights, tensors: Mapping[str, Tensor], plan: Plan) -> list[Diagnostic]:
    """Report keys of one tie whose values differ in the file."""
    found = []
    for one in plan.ties:
        first, *others = [key for key in one.keys if key in tensors] or [""]
        for key in others:
            two = tensors[first], tensors[key]
            if two[0].data_ptr() != two[1].data_ptr() and not torch.equal(*two):
                message = f"{key} and {first} are one parameter, but differ in the file"
                help = "remove the tie, or one of the two"
                found.append(finding(weights, message, help=[help]))
    return found


def report_shapes(
    weights: Weights,
    found: Collection[str],
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    plan: Plan,
    advice: Advice | None,
) -> list[Diagnostic]:
    """Report tensors of another shape than the model's, with the first layer of them."""
    names = [name for name in own if name in found]
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
    return [finding(weights, message, notes, help=_help(advice), last=written)]


def report_dtypes(
    weights: Weights,
    tensors: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    *,
    is_cast: bool,
) -> list[Diagnostic]:
    """Report tensors of another dtype than the model's, but for those that are cast."""
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
    return [finding(weights, f"{_count(dtypes)} of another dtype", notes, help=help)]


def _count(names: Collection[str]) -> str:
    return f"{_short(next(iter(names)))} is" if len(names) == 1 else f"{len(names)} tensors are"


def _short(name: str) -> str:
    return shortened(name, NAME)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def finding(
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
