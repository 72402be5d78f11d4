"""How parameters begin: the initialisers of ``init``, checked and computed for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netspec.budget import ITEM, spend
from netspec.declaration import FromClass, InitialiserType, LayerType, Refusal
from netspec.declaration.arguments import OneOf, Tuple, Whole
from netspec.diagnostics import Instead, Span, did_you_mean, failure, listed, suggestion
from netspec.expansion.values import Environment, computed, opened, plain, report
from netspec.graph import Application
from netspec.graph import Init as PlannedInit
from netspec.graph import Initialiser as PlannedInitialiser
from netspec.planning.binding import bind
from netspec.planning.plan import PlannedInitRule, RuleInitialiser
from netspec.plugin_calls import Fault, call_rule
from netspec.registry import Brought
from netspec.source.nodes import shortened
from netspec.spec import Init, Initialiser, InitRule, Item, Layer, Value, Written
from netspec.templates import EvaluationError, Names, Template

if TYPE_CHECKING:
    from netspec.expansion.walk import Walk


def layer_init(
    walk: Walk, init: Init, application: Application, item: Item, names: Environment, path: str
) -> PlannedInit:
    """How the parameters of a layer begin that has an ``init`` of its own; errors are reported.

    ``names`` are the values that expressions may use, beside the layer's own arguments.
    """
    shapes = {parameter.name: parameter.shape for parameter in application.parameters}
    values, own = opened(names)
    own.update(own_values(application))
    found = []
    for name, how in init:
        # Without `$` one sees that a layer has no bias; with it, it may have one elsewhere.
        if name in shapes:
            planned = planned_initialiser(walk, how, values, shapes[name], _span(how, item))
            if planned is not None:
                found.append((name, planned))
        elif isinstance(item.part, Layer) or name not in possible_parameters(walk, application):
            report_no_parameter(walk, f"{application.type.name} `{path}`", how, name, list(shapes))
    return tuple(found)


def rule_init(walk: Walk, application: Application) -> PlannedInit | None:
    """How the parameters of a layer begin by the rules for its kind; None without a rule."""
    rules = walk.rules.get(application.type.target)
    if rules is None:
        return None
    known = walk.inits.get(id(application))
    if known is None:
        shapes = {parameter.name: parameter.shape for parameter in application.parameters}
        spend(sum(len(rule.init) for rule in rules))
        values, own = opened(walk.spec_params)
        own.update(own_values(application))
        planned = [
            (name, planned_initialiser(walk, how, values, shapes[name], rule.span))
            for rule in rules
            for name, how in rule.init
            if name in shapes
        ]
        known = tuple([(name, how) for name, how in planned if how is not None])
        walk.inits[id(application)] = known
    return known


def own_values(application: Application) -> dict[str, Value]:
    """The layer's arguments as its module has them: ``(3, 3)`` for ``kernel_size: 3``."""
    values = {}
    for name, value in application.arguments.items():
        argument = application.type.argument(name)
        kinds = argument.kind.kinds if argument and isinstance(argument.kind, OneOf) else ()
        if type(value) is int and any(isinstance(kind, Whole) for kind in kinds):
            for kind in kinds:
                if isinstance(kind, Tuple) and isinstance(kind.item, Whole):
                    value = (value,) * (kind.length or 1)
                    break
        values[name] = value
    return values


def planned_initialiser(
    walk: Walk, how: Initialiser, names: Names, shape: tuple[int, ...], span: Span
) -> PlannedInitialiser | None:
    """The function that an initialiser stands for, with the values of its arguments.

    None where there is none, or it does not take the arguments or the shape, which is reported.

    Args:
        span: where an initialiser is that has no place of its own.
    """
    one = find_initialiser(walk, how, span)
    if one is None:
        return None
    arguments: list[tuple[str, Value]] = []
    for name, written in how.arguments:
        try:
            arguments.append((name, plain(computed(written, names))))
        except EvaluationError as problem:
            report(problem, how.origin.argument(name) if how.origin else span, walk.found)
            return None
    if not _fits(walk, one, how, tuple(arguments)) or not _takes(
        walk, one, how, dict(arguments), shape, span
    ):
        return None
    return PlannedInitialiser(
        how.name, one.value.declared.target, tuple(arguments), _package_of(one)
    )


def planned_rule(walk: Walk, rule: InitRule, layer_type: LayerType) -> PlannedInitRule:
    """A rule as it is for modules inside of layers; what is wrong with it is reported."""
    own = tuple(layer_type.arguments)
    entries = []
    for name, how in rule.init:
        planned = _rule_initialiser(walk, rule, how, own)
        if planned is not None:
            entries.append((name, planned))
    used = [_names_in(written) for _, how in entries for _, written in how.arguments]
    values = [
        (name, walk.spec_params[name])
        for name in sorted(frozenset().union(*used))
        if name in walk.spec_params
    ]
    return PlannedInitRule(
        rule.type, layer_type.target, tuple(entries), own, tuple(values), rule.span
    )


def _rule_initialiser(
    walk: Walk, rule: InitRule, how: Initialiser, own: tuple[str, ...]
) -> RuleInitialiser | None:
    one = find_initialiser(walk, how, rule.span)
    if one is None:
        return None
    arguments: list[tuple[str, Written]] = []
    for name, written in how.arguments:
        used = _names_in(written)
        try:
            _require_known(used, (*own, *walk.spec_params))
            if used.isdisjoint(own):
                written = plain(computed(written, walk.spec_params))
        except EvaluationError as problem:
            report(problem, how.origin.argument(name) if how.origin else rule.span, walk.found)
            return None
        arguments.append((name, written))
    # What depends on the layer is checked with each row of the plan.
    if not _fits(walk, one, how, tuple([(name, _deferred(value)) for name, value in arguments])):
        return None
    return RuleInitialiser(how.name, one.value.declared.target, tuple(arguments), _package_of(one))


def find_initialiser(walk: Walk, how: Initialiser, span: Span) -> Brought[InitialiserType] | None:
    """The declaration of an initialiser; None where the name means none or several (reported)."""
    if how.name in walk.initialisers:
        return walk.initialisers[how.name]
    registry = walk.planner.registry
    candidates = registry.initialisers_named(how.name)
    at = span if how.origin is None else how.origin.span()
    if len(candidates) == 1:
        walk.initialisers[how.name] = candidates[0]
        return candidates[0]
    if candidates:
        walk.found.error(
            "ambiguous-initialiser",
            f"{how.name} is an initialiser of {listed([str(one.plugin) for one in candidates])}",
            at,
            help=[f"write {listed([f'`{one.full_name}`' for one in candidates], 'or')}"],
        )
        return None
    known = registry.initialisers()

    def help() -> str | Instead:
        remedy = registry.remedy_for("initialisers", how.name)
        return remedy or suggestion(how.name, known, f"there are {listed(list(known))}")()

    walk.found.error(
        "unknown-initialiser",
        f"there is no initialiser {how.name[:60]!r}",
        at,
        notes=[f"a plugin is disabled: {plugin.problem}" for plugin in registry.disabled()],
        help=[help],
    )
    return None


def report_no_parameter(
    walk: Walk, what: str, how: Initialiser, name: str, known: Sequence[str]
) -> None:
    """Reports an ``init`` for a parameter that is not there."""
    assert how.origin is not None
    assert how.origin.key is not None
    key = how.origin.key
    otherwise = f"it has {listed(list(known))}" if known else "remove it from `init`"
    walk.found.error(
        "unknown-parameter",
        f"{what} has no parameter {shortened(name)!r}",
        Span(how.origin.source, key.start, key.end),
        help=[suggestion(name, known, otherwise)],
    )


def possible_parameters(walk: Walk, application: Application) -> frozenset[str]:
    """The names of parameters that the layer has here, or with other switches (``bias: true``)."""
    layer_type = application.type
    spend(ITEM)
    names = {parameter.name for parameter in application.parameters}
    registered = walk.planner.registry.find(layer_type.name)
    if registered is None or (isinstance(layer_type, FromClass) and not layer_type.has_rule):
        return frozenset(names)
    for name, value in application.arguments.items():
        if type(value) is bool:
            changed = {**application.written, name: not value}
            try:
                output = walk.planner.ruled(
                    registered, changed, application.inputs, application.input_names
                )
            except Exception:  # the rule of a plugin may fail with anything
                continue
            names |= set(output.parameters)
    return frozenset(names)


def _span(how: Initialiser, item: Item) -> Span:
    return item.origin.reserved("init") if how.origin is None else how.origin.span()


def _package_of(one: Brought[InitialiserType]) -> str:
    return "" if one.plugin.package == "netspec" else str(one.plugin)


def _names_in(written: Written) -> frozenset[str]:
    if isinstance(written, Template):
        return written.names
    if isinstance(written, tuple):
        return frozenset().union(*[_names_in(item) for item in written])
    return frozenset()


def _require_known(used: frozenset[str], known: Sequence[str]) -> None:
    """
    Raises:
        EvaluationError: a name has no value.
    """
    for name in sorted(used - set(known)):
        raise EvaluationError(
            f"there is no value called {name!r} here",
            did_you_mean(name, known) or f"there are {', '.join(sorted(known)[:20])}",
        )


def _deferred(written: Written) -> Written:
    """A value; a template for one that has a template in it, which is bound later."""
    if isinstance(written, tuple):
        inner = [_deferred(item) for item in written]
        return next((item for item in inner if isinstance(item, Template)), written)
    return written


def _fits(
    walk: Walk,
    one: Brought[InitialiserType],
    how: Initialiser,
    arguments: tuple[tuple[str, Any], ...],
) -> bool:
    """Whether the arguments are those of the declaration; else it is reported."""
    if how.origin is None:
        return True  # netspec's own choice
    declared = one.value.declared
    return bind(declared, Layer(declared.name, arguments), how.origin, walk.found) is not None


def _takes(
    walk: Walk,
    one: Brought[InitialiserType],
    how: Initialiser,
    arguments: Mapping[str, Value],
    shape: tuple[int, ...],
    span: Span,
) -> bool:
    """Whether a parameter of the shape can be filled so; else it is reported."""
    kind = one.value
    given = {**kind.declared.defaults, **arguments}
    at = span if how.origin is None else how.origin.span()
    try:
        if one.plugin.package == "netspec":
            kind.require_shape(shape, given)
        elif kind.declared.inputs:
            call_rule(lambda: kind.require_shape(shape, given))
    except Refusal as refusal:
        if refusal.argument is not None and how.origin is not None:
            at = how.origin.argument(refusal.argument)
        walk.found.error("bad-init", refusal.message, at, help=refusal.help.split("\n"))
        return False
    except Exception as problem:
        reason = str(problem) if isinstance(problem, Fault) else failure(problem)
        walk.found.error(
            "bad-init",
            f"{how.name} fails: {reason}",
            at,
            help=[f"it is of {one.plugin}: tell its authors, if the arguments are right"],
        )
        return False
    return True
