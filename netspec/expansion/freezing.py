"""What a spec freezes: by ``freeze`` beside items, and by patterns at the top."""

from __future__ import annotations

from netspec.diagnostics import suggestion
from netspec.expansion.walk import Walk
from netspec.planning import Plan
from netspec.planning.freezing import is_meant, parameter_keys, with_frozen
from netspec.spec import Spec


def frozen_plan(plan: Plan, spec: Spec, walk: Walk) -> Plan:
    """The plan with what its spec freezes; a pattern that is like nothing is reported.

    What is written beside a layer or around it holds over the patterns.
    """
    if not spec.freeze and not walk.decides_freeze:
        return plan
    keys = dict(parameter_keys(plan))
    decided = {
        visit.path: visit.node.freeze
        for visit in plan.graph.walk()
        if visit.node.freeze is not None and not visit.is_again
    }
    frozen = {key for key, path in keys.items() if decided.get(path)}
    letters = sum(map(len, keys)) // 4
    for place, pattern in enumerate(spec.freeze):
        walk.budget.enter(spec.origin.reserved("freeze", place), letters * (1 + pattern.count("*")))
        meant = [key for key in keys if is_meant(pattern, key)]
        if not meant:
            names = [key.split(".") for key in keys]
            around = {
                ".".join(parts[:n]): None for parts in names for n in range(1, len(parts) + 1)
            }
            word = pattern.removesuffix("*").removesuffix("*").removesuffix(".")
            walk.found.error(
                "no-effect",
                f"the pattern {pattern[:60]!r} is like no parameter, and like no module with some",
                spec.origin.reserved("freeze", place),
                help=[suggestion(word, around, "`netspec show --json` lists the parameters")],
            )
        frozen.update(key for key in meant if keys[key] not in decided)
    return with_frozen(plan, frozen)
