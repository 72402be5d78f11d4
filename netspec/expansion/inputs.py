"""The model's inputs, with a symbol for each named size."""

from __future__ import annotations

from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics
from netspec.sizes import Size, symbol
from netspec.spec import Input, Origin
from netspec.spec.parser import MAX_SIZE
from netspec.spec.words import SIZE_NAME
from netspec.templates import EvaluationError, Names, Template, brief, evaluate


def input_types(
    inputs: tuple[Input, ...], names: Names, origin: Origin, found: Diagnostics
) -> dict[str, TensorType | None]:
    """The types by the inputs' names; None where a size is wrong, which is reported."""
    named: dict[str, Size] = {}
    for given in inputs:
        for stated in given.sizes:
            named[stated.name] = symbol(
                stated.name,
                minimum=stated.min,
                maximum=stated.max,
                multiple_of=stated.multiple_of,
            )
    types: dict[str, TensorType | None] = {}
    for given in inputs:
        sizes = [_size(size, names, named, origin, found) for size in given.shape]
        known = tuple(size for size in sizes if size is not None)
        whole = len(known) == len(sizes)
        types[given.name] = TensorType(known, given.dtype) if whole else None
    return types


def _size(
    size: int | str | Template,
    names: Names,
    named: dict[str, Size],
    origin: Origin,
    found: Diagnostics,
) -> Size | None:
    value: object = size
    if isinstance(size, Template):
        span = origin.reserved("input" if origin.states("input") else "inputs")
        try:
            value = evaluate(size, names)
        except EvaluationError as problem:
            found.error("bad-expression", problem.message, span, help=[problem.help])
            return None
        fits = type(value) is int and 0 <= value <= MAX_SIZE
        if not fits and not (type(value) is str and SIZE_NAME.match(value)):
            message = f"a size is a whole number or a name (N, H), but {size} is {brief(value)}"
            found.error("bad-input", message, span)
            return None
    if isinstance(value, str):
        return named.setdefault(value, symbol(value)) if value not in named else named[value]
    assert isinstance(value, int)
    return value
