"""How weights begin and which are one: the document's ``init`` and ``tie``."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from netspec.budget import spend
from netspec.diagnostics import Diagnostics, suggestion
from netspec.diagnostics.nearest import ring
from netspec.expansion.initialisers import (
    planned_rule,
    possible_parameters,
    report_no_parameter,
)
from netspec.expansion.unused import written_names
from netspec.expansion.walk import Walk
from netspec.graph import Application, Graph, OwnParameter
from netspec.planning.plan import PlannedInitRule, PlannedTie
from netspec.spec import Spec


def planned_rules(spec: Spec, walk: Walk) -> tuple[PlannedInitRule, ...]:
    """The rules with the classes that they hold for; the walk applies them to its layers."""
    planned = []
    for rule in spec.init:
        registered = walk.planner.registry.find(rule.type)
        if registered is None:
            walk.found.error(
                "unknown-layer",
                f"{rule.type[:60]} is not a layer",
                rule.span,
                help=[suggestion(rule.type, walk.planner.registry.layers())],
            )
        elif walk.planner.is_readable(registered, rule.span):
            walk.rules.setdefault(registered.layer.target, []).append(rule)
            planned.append(planned_rule(walk, rule, registered.layer))
    return tuple(planned)


def report_idle_rules(spec: Spec, walk: Walk, graph: Graph) -> None:
    """Reports rules, and parameters in them, that nothing in the model can be meant by."""
    if not walk.rules:
        return
    applications = graph.applications()
    # A class of torch's may be inside of a layer, and a plugin's may extend one.
    may_be_inside = any(
        "." in parameter.name or not application.type.target.startswith("torch.")
        for application in applications
        for parameter in application.parameters
    )
    written = written_names(spec)
    for target, rules in walk.rules.items():
        spend(len(applications))
        meant = [one for one in applications if one.type.target == target]
        for rule in rules:
            if not rule.init:
                continue  # it could not be read, which is reported
            is_said = any(map(written.may_become, _names(rule.type, walk)))
            if not meant and not may_be_inside and not is_said:
                walk.found.error(
                    "no-effect",
                    f"the rule for {rule.type} has no effect: the model has no {rule.type}",
                    rule.span,
                    help=["remove it from `init`"],
                )
            here = {parameter.name for one in meant for parameter in one.parameters}
            if meant and any(name not in here for name, _ in rule.init):
                here |= {key for one in meant for key in possible_parameters(walk, one)}
            for name, how in rule.init if meant else ():
                if name not in here:
                    report_no_parameter(walk, rule.type, how, name, sorted(here))


def _names(type: str, walk: Walk) -> tuple[str, ...]:
    """What an item of the layer may be called."""
    one = walk.planner.registry.find(type)
    return (type,) if one is None else (type, one.layer.name, one.layer.alias, one.full_name)


def planned_ties(spec: Spec, graph: Graph, found: Diagnostics) -> tuple[PlannedTie, ...]:
    """The ties as classes: `{a: b, b: c}` is one parameter under three keys.

    All keys of a tie exist, and have one shape and one device.
    """
    if not spec.tie:
        return ()
    shapes, devices = _shapes_and_devices(graph)
    ends, rings = _ends({tie.parameter: tie.source for tie in spec.tie})
    others: dict[str, list[str]] = {}
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
        if tie.parameter == tie.source:
            found.error("shape-mismatch", f"{tie.parameter} is tied to itself", tie.span)
            continue
        first, other = shapes[tie.parameter], shapes[tie.source]
        if first != other:
            message = f"{tie.parameter} is {list(first)}, but {tie.source} is {list(other)}"
            found.error("shape-mismatch", message, tie.span)
            continue
        if tie.parameter in rings:
            keys = rings[tie.parameter]
            pairs = [f"{key[:40]} to {other[:40]}" for key, other in pairwise(keys)]
            around = ", ".join(ring(pairs))
            message = f"the ties make a ring, so that no layer initialises the parameter: {around}"
            found.error("cycle", message, tie.span, help=[f"leave out `{keys[0]}: {keys[1]}`"])
        if tie.parameter not in ends:
            continue
        if devices.get(tie.parameter) != devices.get(tie.source):
            one, two = (
                devices.get(name) or "the model's own device"
                for name in (tie.parameter, tie.source)
            )
            found.error(
                "bad-device",
                f"{tie.parameter} is tied to {tie.source}, but they would be on {one} and {two}",
                tie.span,
                help=["give both layers the same `device:`, or remove the tie"],
            )
            continue
        others.setdefault(ends[tie.parameter], []).append(tie.parameter)
    return tuple([PlannedTie(end, tuple(keys), shapes[end]) for end, keys in others.items()])


def _shapes_and_devices(
    graph: Graph,
) -> tuple[dict[str, tuple[int, ...]], dict[str, str | None]]:
    """The shape and the device of every parameter, by its key."""
    shapes: dict[str, tuple[int, ...]] = {}
    devices: dict[str, str | None] = {}
    for visit in graph.walk():
        body, path = visit.node.body, visit.path
        if visit.is_again:
            continue
        if isinstance(body, OwnParameter):
            shapes[path], devices[path] = body.shape, visit.node.device
        elif isinstance(body, Application):
            for parameter in body.parameters:
                key = f"{path}.{parameter.name}"
                shapes[key], devices[key] = parameter.shape, visit.node.device
    return shapes, devices


def _ends(sources: Mapping[str, str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The key that each tied one leads to, and the rings by the first of their keys.

    Every key is tied to one other at most, so that a chain ends at one key or in a ring. What is in
    a ring, or leads into one, has no end.
    """
    ends: dict[str, str] = {}
    rings: dict[str, list[str]] = {}
    lost: set[str] = set()
    for first in sources:
        passed: dict[str, int] = {}
        key = first
        while key in sources and key not in ends and key not in lost and key not in passed:
            passed[key] = len(passed)
            key = sources[key]
        if key in passed:
            rings[key] = [*list(passed)[passed[key] :], key]
        if key in passed or key in lost:
            lost.update(passed)
        else:
            ends.update(dict.fromkeys(passed, ends.get(key, key)))
    return ends, rings
