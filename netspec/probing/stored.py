"""What was probed as JSON, and back: what is read may be anything, and is checked whole."""

from __future__ import annotations

from typing import Any

from netspec.declaration import TensorType
from netspec.declaration.tensor import ITEMSIZES
from netspec.probing.probe import Probed, ProbedNeed
from netspec.probing.run import Shapes
from netspec.sizes import Expression, Size, SizeLimit, Symbol, symbol

MOST = 2**63 - 1
MOST_PARTS = 1_000  # of a formula, or of a list of tensors
MOST_DEPTH = 20  # divisions in divisions


class Unusable(ValueError):
    """A text is not what a Probed was written as."""


def written(probed: Probed) -> Any:
    return {
        "outputs": [
            {"shape": [_written(size) for size in output.shape], "dtype": output.dtype}
            for output in probed.outputs
        ],
        "parameters": [[name, list(shape)] for name, shape in probed.parameters.items()],
        "buffers": [[name, list(shape)] for name, shape in probed.buffers.items()],
        "macs": None if probed.macs is None else _written(probed.macs),
        "needs": [list(need) for need in probed.needs],
        "saves": list(probed.saves),
        "saved_bytes": None if probed.saved_bytes is None else _written(probed.saved_bytes),
        "is_view": probed.is_view,
    }


def read(values: Any, variables: int, inputs: int) -> Probed:
    """
    Raises:
        Unusable: it was not written by ``written``, for so many variables and inputs.
    """
    try:
        outputs = tuple(_type(item, variables) for item in _list(values["outputs"]))
        if not outputs:
            raise Unusable("no output")
        return Probed(
            outputs,
            _shapes(values["parameters"]),
            _shapes(values["buffers"]),
            _optional(values["macs"], variables),
            tuple(_need(item, variables) for item in _list(values["needs"])),
            tuple(_whole(place, 0, inputs + len(outputs) - 1) for place in _list(values["saves"])),
            _optional(values["saved_bytes"], variables),
            values["is_view"] is True,
        )
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        AttributeError,
        SizeLimit,
    ) as problem:
        raise Unusable(str(problem)) from None


def _written(size: Size) -> Any:
    """A number, or a constant and terms, each a number and atoms with their powers."""
    if isinstance(size, int):
        return size
    terms = []
    for monomial, number in size.terms.items():
        atoms = [
            [int(atom.name[1:]) if isinstance(atom, Symbol) else _divided(atom), power]
            for atom, power in monomial
        ]
        terms.append([number, *atoms])
    return [size.constant, *terms]


def _divided(floor: Any) -> Any:
    return [_written(floor.numerator), floor.divisor]


def _size(value: Any, variables: int, depth: int = 0) -> Size:
    if type(value) is int:
        return _whole(value, -MOST)
    if depth > MOST_DEPTH:
        raise Unusable("too deep")
    constant, *terms = _list(value)
    total: Size = _whole(constant, -MOST)
    for number, *atoms in terms:
        term: Size = _whole(number, -MOST)
        for atom, power in _list(atoms):
            factor: Size
            if type(atom) is int:
                factor = symbol(f"v{_whole(atom, 0, variables - 1)}")
            else:
                numerator, divisor = atom
                inner = _size(numerator, variables, depth + 1)
                if not isinstance(inner, Expression):
                    raise Unusable("a number is divided")
                factor = inner // _whole(divisor, 1)
            for _ in range(_whole(power, 1, 8)):
                term = term * factor
        total = total + term
    return total


def _shapes(value: Any) -> Shapes:
    return {
        _text(name): tuple(_whole(size, 0) for size in _list(shape)) for name, shape in _list(value)
    }


def _need(item: Any, variables: int) -> ProbedNeed:
    kind, variable, number, message = item
    if kind not in ("at_least", "multiple_of"):
        raise Unusable("a need of no kind")
    return ProbedNeed(kind, _whole(variable, 0, variables - 1), _whole(number, 1), _text(message))


def _type(item: Any, variables: int) -> TensorType:
    dtype = _text(item["dtype"])
    if dtype not in ITEMSIZES:
        raise Unusable("no dtype")
    return TensorType(tuple(_size(size, variables) for size in _list(item["shape"])), dtype)


def _optional(value: Any, variables: int) -> Size | None:
    return None if value is None else _size(value, variables)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_PARTS:
        raise Unusable("no list, or a long one")
    return value


def _whole(value: Any, least: int, most: int = MOST) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Unusable("no number, or one beyond its limits")
    return value


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 4_000:
        raise Unusable("no text, or a long one")
    return value
