"""Which parameters are not trained, by patterns over their keys and the modules around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netspec.patterns import matches
from netspec.planning.plan import Plan


def parameter_keys(plan: Plan) -> Iterator[tuple[str, str]]:
    """The keys of all parameters, each with the path of its layer; its own is a container's."""
    for row in plan.layers:
        if not row.is_reused:
            for parameter in row.parameters:
                yield f"{row.path}.{parameter.name}", row.path
    for own in plan.parameters:
        yield own.path, own.path


def is_meant(pattern: str, key: str) -> bool:
    """Whether a pattern is like a parameter's key, or like a module that it is in."""
    return matches(f"{pattern}.**", key)


def keys_like(plan: Plan, pattern: str) -> list[str]:
    """The keys of parameters that a pattern means."""
    return [key for key, _ in parameter_keys(plan) if is_meant(pattern, key)]


def with_frozen(plan: Plan, keys: Iterable[str]) -> Plan:
    """The plan with more parameters that are not trained; one that is tied has several keys."""
    frozen = {*plan.frozen, *keys}
    for tie in plan.ties:
        if not frozen.isdisjoint(tie.keys):
            frozen.update(tie.keys)
    return replace(plan, frozen=frozenset(frozen))
