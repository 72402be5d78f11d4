"""How weights begin, over what the layers' own constructors do, and which are one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from netspec.building.random import begin_layer
from netspec.declaration import Refusal, imported
from netspec.diagnostics import Diagnostics, Span, SpecError
from netspec.diagnostics.failure import failure
from netspec.expansion.values import computed
from netspec.planning import Plan
from netspec.planning.plan import PlannedInit, PlannedInitialiser
from netspec.templates import EvaluationError


class _Attributes(Mapping[str, Any]):
    """The names of an expression: a module's own arguments, then the spec's values."""

    def __init__(self, module: nn.Module, names: Mapping[str, Any]) -> None:
        self.module = module
        self.others = names

    def __getitem__(self, name: str) -> Any:
        value = None if name.startswith("_") else getattr(self.module, name, None)
        if isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
            return value
        return self.others[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.others)

    def __len__(self) -> int:
        return len(self.others)


#: What a rule's initialiser is applied to: the key of a parameter, and the parameter.
Fill = Callable[[str, Tensor, Callable[[Tensor], object]], None]


def fill_in_place(key: str, parameter: Tensor, begin: Callable[[Tensor], object]) -> None:
    with torch.no_grad():
        begin(parameter)


def initialise(
    model: nn.Module, plan: Plan, own_streams: int | None = None, fill: Fill = fill_in_place
) -> None:
    """Applies the plan's rules to the modules, in the order of ``model.modules()``.

    Args:
        own_streams: the seed of which, with its path, each module draws from a stream of its own.
        fill: what is done with each parameter that a rule is about.

    Raises:
        SpecError: a rule names a parameter that a layer does not have, or cannot be computed.
    """
    rules = [(imported(rule.target), rule.init, rule.span) for rule in plan.init]
    own: dict[str, tuple[PlannedInit, Span]] = {
        row.path: (row.init, row.origin.reserved("init"))
        for row in plan.layers
        if row.init is not None and not row.is_reused
    }
    if rules or own:
        modules: Iterator[tuple[str, nn.Module]] = model.named_modules()
        for path, module in modules:
            if own_streams is not None:
                begin_layer(own_streams, f"{path} init")
            if path in own:
                init, span = own[path]
                _apply(module, init, span, path, fill, is_rule=False)
                continue
            for kind, init, span in rules:
                if isinstance(module, kind):
                    _apply(module, init, span, path, fill, is_rule=True)
    for parameter in plan.parameters:
        if own_streams is not None:
            begin_layer(own_streams, parameter.path)
        value = model.get_parameter(parameter.path)
        _fill(parameter.path, value, parameter.init, {}, parameter.origin.span(), fill)


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


def _apply(
    module: nn.Module, init: PlannedInit, span: Span, path: str, fill: Fill, *, is_rule: bool
) -> None:
    for name, initialiser in init.init:
        try:
            parameter = module.get_parameter(name)
        except AttributeError:
            # A rule for all layers of a kind holds for those without a bias too.
            owner, _, last = name.rpartition(".")
            if is_rule or hasattr(module.get_submodule(owner) if owner else module, last):
                continue
            raise _error(f"{path} has no parameter {name!r}", span) from None
        key = f"{path}.{name}"
        _fill(key, parameter, initialiser, _Attributes(module, init.names), span, fill)


def _fill(
    key: str,
    parameter: Tensor,
    initialiser: PlannedInitialiser,
    names: Mapping[str, Any],
    span: Span,
    fill: Fill,
) -> None:
    try:
        arguments = {name: computed(value, names) for name, value in initialiser.arguments}
        _require_kinds(initialiser, arguments)
        function = imported(initialiser.target)
        fill(key, parameter, lambda tensor: function(tensor, **arguments))
    except EvaluationError as problem:
        raise _error(problem.message, span) from None
    except Refusal as refusal:
        raise _error(f"{initialiser.name}: {refusal.message}", span) from None
    except Exception as problem:
        if not initialiser.brought_by and not isinstance(
            problem, TypeError | ValueError | RuntimeError
        ):
            raise
        if not initialiser.brought_by:
            raise _error(f"{initialiser.name} fails: {problem}", span) from problem
        raise _error(
            f"{initialiser.name} fails for {key}: {failure(problem)}",
            span,
            f"it is of {initialiser.brought_by}: tell its authors, if the arguments are right",
        ) from problem


def _require_kinds(initialiser: PlannedInitialiser, arguments: Mapping[str, Any]) -> None:
    """
    Raises:
        EvaluationError: a computed argument is not what the declaration says.
    """
    if initialiser.declared is None:
        return
    for name, value in arguments.items():
        argument = initialiser.declared.argument(name)
        if argument is not None and not argument.kind.accepts(value):
            raise EvaluationError(
                f"{name} of {initialiser.name} takes {argument.describe()}, not {value}"
            )


def _error(message: str, span: Span, help: str = "") -> SpecError:
    found = Diagnostics()
    found.error("bad-init", message, span, help=[help])
    return SpecError(found.all())
