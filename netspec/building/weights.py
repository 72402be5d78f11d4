"""How weights begin, over what the layers' own constructors do, and which are one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from netspec.building.random import Begin
from netspec.declaration import imported
from netspec.diagnostics import Diagnostics, Span, SpecError
from netspec.diagnostics.failure import failure
from netspec.graph import Initialiser
from netspec.planning import Plan
from netspec.planning.plan import PlannedInitRule
from netspec.spec import Written
from netspec.templates import EvaluationError, Template, evaluate


class _Attributes(Mapping[str, Any]):
    """The names of an expression of a rule: a module's own arguments, then the spec's values."""

    def __init__(self, module: nn.Module, rule: PlannedInitRule) -> None:
        self.module = module
        self.rule = rule
        self.given = dict(rule.values)

    def __getitem__(self, name: str) -> Any:
        if name in self.rule.arguments and hasattr(self.module, name):
            if name in self.module._parameters:  # `bias` is a switch, and then a parameter
                return self.module._parameters[name] is not None
            return getattr(self.module, name)
        return self.given[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self.rule.arguments, *self.given))

    def __len__(self) -> int:
        return len(self.rule.arguments) + len(self.given)


#: What a rule's initialiser is applied to: the key of a parameter, and the parameter.
Fill = Callable[[str, Tensor, Callable[[Tensor], object]], None]


def fill_in_place(key: str, parameter: Tensor, begin: Callable[[Tensor], object]) -> None:
    with torch.no_grad():
        begin(parameter)


def initialise(model: nn.Module, plan: Plan, begin: Begin, fill: Fill = fill_in_place) -> None:
    """Applies the plan's rules to the modules, in the order of ``model.modules()``.

    Args:
        begin: called with the path of each module, and of each parameter of a container.
        fill: what is done with each parameter that a rule is about.

    Raises:
        SpecError: an initialiser fails.
    """
    rules = [(imported(rule.target), rule) for rule in plan.init]
    own = {
        row.path: (row.init, row.origin)
        for row in plan.layers
        if row.init is not None and not row.is_reused
    }
    if rules or own:
        modules: Iterator[tuple[str, nn.Module]] = model.named_modules()
        for path, module in modules:
            begin(f"{path} init")
            if path in own:
                init, origin = own[path]
                span = origin.reserved("init")
                for name, initialiser in init:
                    key = f"{path}.{name}"
                    _fill(key, module.get_parameter(name), initialiser, span, fill)
                continue
            for kind, rule in rules:
                if isinstance(module, kind):
                    _apply(module, rule, path, fill)
    for parameter in plan.parameters:
        begin(parameter.path)
        value = model.get_parameter(parameter.path)
        _fill(parameter.path, value, parameter.init, parameter.origin.span(), fill)


def freeze(model: nn.Module, plan: Plan) -> None:
    """Leaves the plan's frozen parameters out of training, those that the module has."""
    if plan.frozen:
        for key, parameter in model.named_parameters(remove_duplicate=False):
            if key in plan.frozen:
                parameter.requires_grad_(False)


def tie(model: nn.Module, plan: Plan) -> None:
    """Replace the parameters of each tie by its source's, as far as the model has them."""
    for one in plan.ties:
        if not has_parameter(model, one.source):
            continue
        source = model.get_parameter(one.source)
        for key in one.others:
            if has_parameter(model, key):
                path, _, name = key.rpartition(".")
                setattr(model.get_submodule(path), name, source)


def has_parameter(model: nn.Module, key: str) -> bool:
    try:
        model.get_parameter(key)
    except AttributeError:
        return False
    return True


def _apply(module: nn.Module, rule: PlannedInitRule, path: str, fill: Fill) -> None:
    """Applies a rule to a module inside of a layer."""
    for name, how in rule.init:
        try:
            parameter = module.get_parameter(name)
        except AttributeError:  # a rule for all layers of a kind holds for those without a bias
            continue
        names = _Attributes(module, rule)
        try:
            arguments = tuple([(key, _value(written, names)) for key, written in how.arguments])
        except EvaluationError as problem:
            raise _error(f"{path}: {problem.message}", rule.span) from None
        initialiser = Initialiser(how.name, how.target, arguments, how.brought_by)
        _fill(f"{path}.{name}", parameter, initialiser, rule.span, fill)


def _value(written: Written, names: Mapping[str, Any]) -> Any:
    if isinstance(written, tuple):
        return tuple([_value(item, names) for item in written])
    return evaluate(written, names) if isinstance(written, Template) else written


def _fill(key: str, parameter: Tensor, initialiser: Initialiser, span: Span, fill: Fill) -> None:
    try:
        function = imported(initialiser.target)
        fill(key, parameter, lambda tensor: function(tensor, **dict(initialiser.arguments)))
    except Exception as problem:
        of = initialiser.brought_by
        raise _error(
            f"{initialiser.name} fails for {key}: {failure(problem)}",
            span,
            f"it is of {of}: tell its authors, if the arguments are right" if of else "",
        ) from problem


def _error(message: str, span: Span, help: str = "") -> SpecError:
    found = Diagnostics()
    found.error("bad-init", message, span, help=[help])
    return SpecError(found.all())
