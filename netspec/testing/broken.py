"""What a broken law says: what was found, of which layer on which input, and what to mend."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netspec.declaration import FromClass, LayerType, imported
from netspec.diagnostics import SpecError
from netspec.spec import Layer
from netspec.spec.writer import layer_text
from netspec.testing.cases import Case


class LawBroken(AssertionError):
    """A law that a layer breaks, in the layer's own terms.

    Args:
        found: what was planned, and what torch does.
        case: the layer with its arguments and inputs, written as in a spec.
        remedy: what to change, and in which file.
    """

    def __init__(self, found: str, case: Case, remedy: str) -> None:
        super().__init__(f"{found}\n    {written(case)}\nfix: {remedy}")
        self.others: tuple[LawBroken, ...] = ()


def require_all(*checks: Callable[[], None]) -> None:
    """Run all checks of one case.

    Raises:
        LawBroken: the first one, with ``others``.
    """
    broken: list[LawBroken] = []
    for check in checks:
        try:
            check()
        except LawBroken as problem:
            broken.append(problem)
    if broken:
        broken[0].others = tuple(broken[1:])
        raise broken[0]


def raised_at(problem: LawBroken) -> int:
    """The line that raised it, which tells mistakes of a law apart."""
    return traceback.extract_tb(problem.__traceback__)[-1].lineno or 0


def written(case: Case) -> str:
    """```conv2d: {out_channels: 1, kernel_size: 2}` on `[1, 1, 3, 3]```, as a spec has it."""
    try:
        spec = case.spec()
    except SpecError:  # such arguments cannot be written at all
        return f"{case.layer.name} with {dict(case.arguments)} on {[str(i) for i in case.inputs]}"
    item = spec.layers.items[0].part
    assert isinstance(item, Layer)
    inputs = [
        line.partition(": ")[2] for line in spec.to_yaml().partition("layers:")[0].split("\n")
    ]
    given = [text for text in inputs[1:] if text]
    return f"`{layer_text(item).removesuffix(':')}` on {', '.join(f'`{text}`' for text in given)}"


def rule_of(layer: LayerType) -> str:
    """``the rule of scale (mylayers/plugin.py:12)``, or the one that a class should have."""
    if isinstance(layer, FromClass) and not layer.has_rule:
        return f"a shape rule for {layer.name}, which {class_of(layer)} does not have yet,"
    return f"the rule of {layer.name} ({_place(layer.rule)})"


def class_of(layer: LayerType) -> str:
    """``Scale (mylayers/modules.py:7)``."""
    made = imported(layer.target)
    return f"{made.__name__} ({_place(made)})"


def messages(refused: SpecError) -> str:
    """What was refused, in one line."""
    return " ".join(diagnostic.message for diagnostic in refused.diagnostics)


def does_not_fail(case: Case, refused: SpecError) -> None:
    """
    Raises:
        LawBroken: the rule did not refuse, but raised something else.
    """
    for diagnostic in refused.diagnostics:
        if diagnostic.code == "rule-failed":
            raise LawBroken(
                diagnostic.message,
                case,
                f"let {rule_of(case.layer)} give an Output, or raise Refusal for what the layer "
                f"does not take; sizes are whole numbers or symbols",
            )


def first_line(problem: BaseException) -> str:
    """``TypeError: it is no tensor``, in one line."""
    text = str(problem).strip().partition("\n")[0]
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def _place(made: Callable[..., Any]) -> str:
    """The file and line where something is written; of an installed package its dotted path."""
    try:
        path = Path(inspect.getsourcefile(made) or "")
        line = inspect.getsourcelines(made)[1]
    except (OSError, TypeError):
        return f"{made.__module__}.{made.__qualname__}"
    if "site-packages" in path.parts:
        return f"{made.__module__}.{made.__qualname__}"
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"
