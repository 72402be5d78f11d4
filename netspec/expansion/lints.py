"""Warnings about wirings that torch takes, and that seldom do what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from netspec.diagnostics import Diagnostics
from netspec.planning.plan import PlannedChild, PlannedLayer, PlannedScope, Step


def report_lints(scope: PlannedScope, found: Diagnostics) -> PlannedScope:
    """Looks at a finished scope, and gives it back."""
    if scope.steps is None:
        for child, following in pairwise(scope.children):
            if following.__class__ is PlannedLayer and _subtracts_mean(following):
                _bias_before_norm(child, following, found)
    else:
        _overwritten(scope.steps, scope, found)
        _biases(scope.steps, found)
        _unread(scope, scope.steps, found)
    return scope


def _biases(steps: Sequence[Step], found: Diagnostics) -> None:
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for number in step.inputs:
            readers.setdefault(number, []).append(step)
    for step in steps:
        if step.planned is None or len(step.outputs) != 1:
            continue
        following = readers.get(step.outputs[0], [])
        if len(following) == 1 and following[0].planned is not None:
            _bias_before_norm(step.planned, following[0].planned, found)


def _subtracts_mean(layer: PlannedLayer) -> bool:
    return "subtracts_channel_mean" in layer.application.type.traits


def _bias_before_norm(child: PlannedChild, following: PlannedChild, found: Diagnostics) -> None:
    """The norm subtracts the mean, and with it a bias. One that is written is meant."""
    if (
        isinstance(child, PlannedLayer)
        and isinstance(following, PlannedLayer)
        and _subtracts_mean(following)
        and "adds_channel_bias" in child.application.type.traits
        and child.arguments.get("bias") is True
        and "bias" not in child.application.written
    ):
        found.warning(
            "bias-before-norm",
            f"the bias of {child.type} has no effect: {following.type} subtracts it again",
            child.origin.span(),
            notes=[f"`{child.path}` is followed by `{following.path}`"],
            help=["write `bias: false`, or `bias: true` where it is meant"],
        )


def _overwritten(steps: Sequence[Step], scope: PlannedScope, found: Diagnostics) -> None:
    """An in-place layer whose input is read again."""
    last_read = {number: len(steps) for number in (*scope.results.values, *scope.auxiliary.values)}
    for place, step in enumerate(steps):
        for number in step.inputs:
            last_read[number] = max(place, last_read.get(number, 0))
    for place, step in enumerate(steps):
        if step.planned is None or not step.inputs:
            continue
        layer = _overwriting(step.planned)
        if layer is not None and last_read[step.inputs[0]] > place:
            found.warning(
                "overwritten-input",
                f"{layer.type} works in place, and changes a value that is read again",
                layer.origin.argument("inplace"),
                notes=[f"`{layer.path}` overwrites its input before another reader gets it"],
                help=["remove `inplace: true`"],
            )


def _overwriting(child: PlannedChild) -> PlannedLayer | None:
    """The layer that changes the first input of a child, where there is one."""
    if isinstance(child, PlannedLayer):
        return child if child.application.overwrites_input else None
    if child.steps is None:
        return _overwriting(child.children[0]) if child.children else None
    for step in child.steps:
        if step.planned is not None and step.inputs[:1] == (0,):
            layer = _overwriting(step.planned)
            if layer is not None:
                return layer
    return None


def _unread(scope: PlannedScope, steps: Sequence[Step], found: Diagnostics) -> None:
    """A child whose outputs nobody reads."""
    read = {*scope.results.values, *scope.auxiliary.values}
    for step in steps:
        read.update(step.inputs)
    for step in steps:
        if step.kind == "call" and not read.intersection(step.outputs) and step.planned is not None:
            found.warning(
                "unused-output",
                f"nothing reads what `{step.planned.path}` gives",
                step.origin.span(),
                help=["name it in a `from:` or in `outputs:`, or remove it"],
            )
