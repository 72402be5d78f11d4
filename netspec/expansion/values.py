"""What is written with ``$`` becomes values, in the place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics, Span, listed, suggestion
from netspec.sizes import Expression
from netspec.spec import Name, Param, Spec, Value, Written
from netspec.templates import EvaluationError, Names, Template, evaluate
from netspec.templates.evaluate import Computed

Environment = dict[str, Any]
#: The arguments of a layer or block, computed; one without a name is the one obvious argument.
Arguments = tuple[tuple[str | None, Any], ...]


class UnknownShape(Exception):
    """An expression asks for the shape of a value that is not known, after an error."""


class Skip(Exception):
    """An item is left out; the reason is among the diagnostics."""


def names_at(names: Names, type: TensorType | None) -> Environment:
    """The names of an expression that stands where a value of the type is."""

    def known() -> TensorType:
        if type is None:
            raise UnknownShape
        return type

    def size(position: int, what: str) -> Any:
        shape = known().shape
        if not -len(shape) <= position < len(shape):
            raise EvaluationError(f"{known()} has no {what}")
        return shape[position]

    return {
        "in_channels": Computed(lambda: size(1, "channels (no second size)")),
        "in_features": Computed(lambda: size(-1, "last size")),
        "shape": Computed(lambda: known().shape),
        **names,
    }


def computed(written: Written, names: Names) -> Any:
    """The value of what is written.

    Raises:
        EvaluationError: an expression has no value.
        UnknownShape: it depends on a shape that is not known.
    """
    if written.__class__ is Template:
        return evaluate(written, names)
    if written.__class__ is tuple:
        return tuple([computed(item, names) for item in written])
    return written


def plain(value: Any) -> Value:
    """A value that may be an argument of a layer.

    Raises:
        EvaluationError: it is a size that depends on the input.
    """
    if isinstance(value, Expression):
        raise EvaluationError(
            f"a known number is needed, but {value} depends on the input",
            "give the sizes numbers in `input`",
        )
    if value.__class__ is tuple:
        return tuple([plain(item) for item in value])
    result: Value = value
    return result


def spec_params(spec: Spec, overrides: Mapping[str, Any], found: Diagnostics) -> Environment | None:
    """The values of a spec's params; None where one is missing or wrong, which is reported."""
    known = {param.name: param for param in spec.params}
    fine = True
    for name in overrides:
        if name not in known:
            fine = False
            found.error(
                "unknown-param",
                f"the spec has no param {name!r}",
                spec.origin.reserved("params"),
                help=[suggestion(name, known, f"it has {listed([*known][:20]) or 'none'}", None)],
            )
    names: Environment = {}
    for param in spec.params:
        if param.name in overrides:
            names[param.name] = _tuples(overrides[param.name])
        elif not param.is_given:
            fine = False
            variants = [variant.name for variant in spec.variants]
            help = f"choose a variant: {listed(variants[:20], 'or')}" if variants else ""
            found.error(
                "missing-param",
                f"the param {param.name} has no value",
                param.span,
                help=[help or "give it a default, or a value with `--set` or `params=`"],
            )
        elif not add_value(param, names, names, found):
            fine = False
    return names if fine else None


def add_value(param: Param, into: Environment, names: Names, found: Diagnostics) -> bool:
    """Computes a param's written value; false where that fails, which is reported."""
    try:
        into[param.name] = computed(param.value, names)
    except EvaluationError as problem:
        report(problem, param.span, found)
        return False
    return True


def report(problem: EvaluationError, span: Span, found: Diagnostics) -> None:
    found.error("bad-expression", problem.message, span, help=[problem.help])


def text_of(name: Name, names: Names) -> str:
    """A name that may be a template, as text.

    Raises:
        EvaluationError: it is not a text.
    """
    if isinstance(name, str):
        return name
    value = evaluate(name, names)
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise EvaluationError(f"a name is a text, but {name} is {_words(value)}")
    return value


def _words(value: Any) -> str:
    return "a list" if type(value) is tuple else str(value)


def _tuples(value: Any) -> Any:
    """Lists of a caller as the tuples that expressions know."""
    if isinstance(value, str | bool | int | float) or value is None:
        return value
    if isinstance(value, Iterable):
        return tuple(_tuples(item) for item in value)
    return value
