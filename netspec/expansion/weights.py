"""How weights begin and which are one: the document's ``init`` and ``tie``."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics, suggestion
from netspec.expansion.initialisers import planned_init
from netspec.expansion.values import Environment
from netspec.expansion.walk import Walk
from netspec.planning.plan import PlannedInitRule, PlannedTie
from netspec.registry import Registry
from netspec.spec import Spec


def planned_rules(
    spec: Spec, registry: Registry, names: Environment, found: Diagnostics
) -> tuple[PlannedInitRule, ...]:
    """The rules with the classes that they hold for."""
    rules = []
    for rule in spec.init:
        registered = registry.find(rule.type)
        if registered is None:
            found.error(
                "unknown-layer",
                f"{rule.type[:60]} is not a layer",
                rule.span,
                help=[suggestion(rule.type, registry.layers())],
            )
            continue
        init = planned_init(rule.init, names, rule.span, registry, found)
        rules.append(PlannedInitRule(registered.layer.target, init, rule.span))
    return tuple(rules)


def planned_ties(spec: Spec, walk: Walk, found: Diagnostics) -> tuple[PlannedTie, ...]:
    """The ties, whose parameters exist and have one shape."""
    if not spec.tie:
        return ()
    shapes = {parameter.path: parameter.shape for parameter in walk.parameters}
    for row in walk.rows:
        for parameter in row.parameters:
            shapes[f"{row.path}.{parameter.name}"] = parameter.shape
    ties = []
    for tie in spec.tie:
        missing = [name for name in (tie.parameter, tie.source) if name not in shapes]
        for name in missing:
            found.error(
                "unknown-parameter",
                f"the model has no parameter {name[:80]!r}",
                tie.span,
                help=[suggestion(name, shapes, "`netspec show --json` lists them", None)],
            )
        if missing:
            continue
        first, other = shapes[tie.parameter], shapes[tie.source]
        if first != other or tie.parameter == tie.source:
            message = (
                f"{tie.parameter} is tied to itself"
                if tie.parameter == tie.source
                else f"{tie.parameter} is {list(first)}, but {tie.source} is {list(other)}"
            )
            found.error("shape-mismatch", message, tie.span)
            continue
        ties.append(PlannedTie(tie.parameter, tie.source, first))
    return tuple(ties)
