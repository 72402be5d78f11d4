"""Spec to Plan: the whole document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netspec.budget import Budget, OutOfSteps, limited
from netspec.declaration import Refusal, TensorType
from netspec.diagnostics import Diagnostics, Span
from netspec.expansion.freezing import frozen_plan
from netspec.expansion.inputs import input_types
from netspec.expansion.plugin_lints import report_plugin_lints
from netspec.expansion.scope import ScopeBuilder
from netspec.expansion.stated import named_sizes
from netspec.expansion.training_lints import report_training
from netspec.expansion.values import Environment, spec_params
from netspec.expansion.walk import TooMany, Walk
from netspec.expansion.weights import planned_rules, planned_ties, report_idle_rules
from netspec.graph import Graph
from netspec.planning import Plan
from netspec.planning.conditions import graph_conditions
from netspec.planning.planner import Known, Planner
from netspec.registry import Registry
from netspec.source.collector import without_collector
from netspec.spec import Item, Layers, Origin, Spec


@without_collector
def expand(
    spec: Spec,
    registry: Registry,
    found: Diagnostics,
    params: Mapping[str, Any] | None = None,
    planner: Planner | None = None,
) -> Plan | None:
    """The plan of a spec; None when ``found`` got an error.

    Args:
        params: values for the spec's params, over their defaults.
        planner: one that has planned other variants of the spec, and so knows many layers.
    """
    planner = Planner(registry, found) if planner is None else planner
    budget = Budget()
    plan = None
    try:
        with limited(budget):
            plan = _planned(spec, registry, found, params or {}, planner, budget)
    except OutOfSteps:
        planner.is_cut = True
        report_steps(budget, spec.origin, found)
    planner.steps += budget.used
    if plan is None:
        _require_finding(spec, found)
        return None
    report_training(plan, found)
    report_plugin_lints(plan, spec.origin, registry, found)
    return replace(plan, warnings=tuple(found.all()))


def _planned(
    spec: Spec,
    registry: Registry,
    found: Diagnostics,
    params: Mapping[str, Any],
    planner: Planner,
    budget: Budget,
) -> Plan | None:
    """
    Raises:
        OutOfSteps: the spec asks for more work than there may be.
    """
    planner.begin(found)
    names = spec_params(spec, params, found)
    if names is None:
        return None
    given = input_types(spec.inputs, names, spec.origin, found)
    inputs = {name: _known(planner, type, spec, found) for name, type in given.items()}
    blocks = {block.name: block for block in spec.blocks}
    walk = Walk(planner, blocks, names, found, named_sizes(inputs), budget)
    rules = planned_rules(spec, walk)
    graph = _graph(walk, spec, inputs, names)
    planner.walked += walk.modules
    if graph is not None:
        report_idle_rules(spec, walk, graph)
    if graph is None or found.failed:
        return None
    ties = planned_ties(spec, graph, found)
    if found.failed:
        return None
    plan = Plan(
        spec.name, graph, graph_conditions(graph), init=rules, ties=ties, origin=spec.origin
    )
    return frozen_plan(plan, spec, walk)


def _require_finding(spec: Spec, found: Diagnostics) -> None:
    """Reports that there is no plan where nothing else says why, so that nobody is told `ok`."""
    if not found.failed:
        found.error(
            "unplanned",
            "the spec cannot be planned, and netspec has not reported why",
            spec.origin.span(),
            help=["this is a mistake in netspec: tell its authors, with the spec"],
        )


def report_steps(budget: Budget, origin: Origin, found: Diagnostics) -> None:
    """Reports that a spec asks for too much work, where most of it is."""
    place = budget.dearest()
    span = place.span() if isinstance(place, Origin) else place if isinstance(place, Span) else None
    found.error(
        "too-much-work",
        f"the spec takes more than {budget.limit:,} steps to plan",
        span or origin.span(),
        notes=["most of them are spent here" if span else "most are params"],
        help=["repeat it less often, or compute less each time"],
    )


def _graph(walk: Walk, spec: Spec, inputs: Mapping[str, Known], names: Environment) -> Graph | None:
    given = dict(inputs) or {"input": None}
    planner, type = walk.planner, given.get("input")
    planner.model_input = None
    if len(given) == 1 and type is not None and spec.origin.states("input"):
        planner.model_input = (spec.origin.reserved("input"), type)
    builder = ScopeBuilder(walk, "", None, spec.layers, spec.origin)
    builder.begin(given)
    try:
        builder.run(names)
        return builder.finish(names)
    except TooMany:
        walk.planner.is_cut = True
        return None


def plan_item(
    item: Item,
    type: TensorType,
    unnamed: int,
    origin: Origin,
    registry: Registry,
    found: Diagnostics,
) -> tuple[Graph | None, int]:
    """The graph of an item after ``unnamed`` children without a name, and their number then."""
    walk = _bare(type, registry, found)
    builder = ScopeBuilder(walk, "", None, Layers((item,)), origin)
    builder.begin({"input": type})
    builder.unnamed = unnamed
    return _run(walk, builder, {}), builder.unnamed


def plan_layers(
    layers: Layers, type: TensorType, origin: Origin, registry: Registry, found: Diagnostics
) -> Graph | None:
    """The graph of layers that get a tensor of the type; None where they are wrong."""
    walk = _bare(type, registry, found)
    builder = ScopeBuilder(walk, "", None, layers, origin)
    builder.begin({"input": type})
    return _run(walk, builder, {})


def _run(walk: Walk, builder: ScopeBuilder, names: Environment) -> Graph | None:
    try:
        with limited(walk.budget):
            builder.run(names)
            return builder.finish(names)
    except TooMany:
        pass
    except OutOfSteps:
        report_steps(walk.budget, builder.origin, walk.found)
    return None


def _bare(type: TensorType, registry: Registry, found: Diagnostics) -> Walk:
    """A walk without blocks and params, for a value of the type."""
    return Walk(Planner(registry, found), {}, {}, found, named_sizes({"input": type}), Budget())


def _known(planner: Planner, type: TensorType | None, spec: Spec, found: Diagnostics) -> Known:
    if type is None:
        return None
    try:
        return planner.same(type)
    except Refusal as refusal:
        word = "input" if spec.origin.states("input") else "inputs"
        found.error("too-large-tensor", refusal.message, spec.origin.reserved(word))
        return None
