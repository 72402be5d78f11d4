"""Applying the actions of a layout to modules."""

from __future__ import annotations

from torch import nn

from netspec.declaration import imported
from netspec.diagnostics import Diagnostic, Location, SpecError
from netspec.placement.context import Context
from netspec.placement.layout import Action


def applied(action: Action, part: nn.Module, context: Context) -> tuple[nn.Module, ...]:
    """Apply an action to a module; returns one module, or a tuple where the action cuts it.

    Raises:
        SpecError: the action fails.
    """
    try:
        made = imported(action.target)(part, context, **action.settings)
    except Exception as problem:
        reason = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise _failed(action, f"{action.word} fails: {reason}") from problem
    modules = made if isinstance(made, tuple) else (made,)
    if not all(isinstance(one, nn.Module) for one in modules):
        raise _failed(action, f"{action.target} of {action.word} gives {made!r}, no module")
    return modules


def _failed(action: Action, message: str) -> SpecError:
    where = action.span.locate() if action.span is not None else Location(action.word)
    return SpecError([Diagnostic("strategy-failed", message, where)])
