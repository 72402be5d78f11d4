"""What a container gives, where it says ``outputs`` or ``auxiliary``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netspec.expansion.references import find
from netspec.expansion.values import NOWHERE, Environment, Skip
from netspec.graph import NO_RESULTS, Results
from netspec.spec import Layers, Outputs

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


def planned_results(
    scope: ScopeBuilder, layers: Layers, names: Environment
) -> tuple[Results, Results] | None:
    """The outputs and those in training only; None where a name is wrong, which is reported."""
    results = Results((scope.last,))
    if layers.outputs is not None:
        found = _results(scope, layers.outputs, "outputs", names)
        if found is None:
            return None
        results = found
    if layers.auxiliary is None:
        return results, NO_RESULTS
    if scope.path:
        scope.found.error(
            "misplaced-key",
            "`auxiliary` is of the whole model: a container around this one would lose it",
            scope.written.reserved("auxiliary"),
            help=["name it in `outputs` here, and write `auxiliary: name.output` beside `input`"],
        )
        return None
    auxiliary = _results(scope, layers.auxiliary, "auxiliary", names)
    if auxiliary is None:
        return None
    if (auxiliary.form == "dict") != (results.form == "dict"):
        scope.found.error(
            "bad-outputs",
            "`outputs` and `auxiliary` are both mappings, or none of them is",
            scope.written.reserved("auxiliary"),
            help=["write for example `outputs: {out: head}` and `auxiliary: {aux: aux_head}`"],
        )
        return None
    return results, auxiliary


def _results(
    scope: ScopeBuilder, outputs: Outputs, word: str, names: Environment
) -> Results | None:
    numbers: list[int] = []
    names_: list[str] = []
    for position, written in enumerate(outputs.names):
        span = scope.written.reserved(word, position)
        try:
            name = scope.text(written, names, NOWHERE, span)
        except Skip:
            return None
        found = find(scope, name, span)
        if not found:
            return None
        if outputs.keys is not None:
            found, name = found[:1], outputs.keys[position]
        numbers += found
        names_ += [name] if len(found) == 1 else [f"{name}{n}" for n in range(len(found))]
    if outputs.single and len(numbers) == 1:
        return Results(tuple(numbers))
    form: Literal["tuple", "dict"] = "tuple" if outputs.keys is None else "dict"
    return Results(tuple(numbers), tuple(names_), form)
