"""What is asked of a module: its class, its arguments, and inputs whose sizes are variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import NamedTuple

from netspec.declaration import FromClass, TensorType
from netspec.sizes import Expression, Size, evaluate, exact_quotient, substitute, symbol, symbols
from netspec.spec import Value

Point = tuple[int, ...]  # a number for each variable


class Variable(NamedTuple):
    """A size of the inputs that is no known number.

    It is called ``v0``, ``v1``, ...; ``size`` is what it stands for where the layer is, between
    ``least`` and ``most``. ``is_batch`` is that of the first dim.
    """

    name: str
    size: Expression
    least: int
    most: int | None
    is_batch: bool

    def allows(self, value: int) -> bool:
        return self.least <= value and (self.most is None or value <= self.most)


class Question(NamedTuple):
    """``keywords`` are the names of the last inputs, those that forward takes by keyword."""

    layer: FromClass
    arguments: tuple[tuple[str, Value], ...]
    inputs: tuple[TensorType, ...]  # over the variables
    variables: tuple[Variable, ...]
    keywords: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)

    def at(self, point: Point) -> tuple[TensorType, ...]:
        """The inputs with numbers."""
        values = dict(zip(self.names, point, strict=True))
        return tuple(
            TensorType(tuple(evaluate(size, values) for size in input.shape), input.dtype)
            for input in self.inputs
        )

    def told(self, point: Point) -> str:
        """``N = 1, H = 33``"""
        pairs = zip(self.variables, point, strict=True)
        return ", ".join(f"{variable.size} = {value}" for variable, value in pairs) or "this input"

    def where_it_is(self, size: Size) -> Size:
        """A formula over the variables, with the sizes that they stand for.

        Raises:
            SizeLimit: it is too large.
        """
        return substitute(size, {variable.name: variable.size for variable in self.variables})


def question(
    layer: FromClass,
    arguments: Mapping[str, Value],
    inputs: Sequence[TensorType],
    keywords: tuple[str, ...] = (),
) -> Question:
    """Each different size that depends on names becomes a variable; ``8*h`` is 8 times one."""
    found: dict[Expression, Variable] = {}
    patterns: list[TensorType] = []
    for number, input in enumerate(inputs):
        sizes: list[Size] = []
        for dim, size in enumerate(input.shape):
            if isinstance(size, int):
                sizes.append(size)
                continue
            factor, rest = _primitive(size)
            if rest not in found:
                is_batch = number == dim == 0
                found[rest] = Variable(f"v{len(found)}", rest, *_range(rest), is_batch)
            sizes.append(symbol(found[rest].name) * factor)
        patterns.append(TensorType(tuple(sizes), input.dtype))
    given = tuple(arguments.items())
    return Question(layer, given, tuple(patterns), tuple(found.values()), keywords)


def _primitive(size: Expression) -> tuple[int, Expression]:
    """The number that the whole size is a multiple of, and the rest: 8 and ``h`` for ``8*h``."""
    factor = gcd(size.constant, *size.terms.values())
    rest = exact_quotient(size, factor)
    assert isinstance(rest, Expression)
    return factor, rest


def _range(size: Expression) -> tuple[int, int | None]:
    """From what to what it goes, as far as its names say so; it is 1 at least."""
    if min(size.terms.values()) < 0:
        return 1, None
    used = symbols(size)
    least = evaluate(size, {one.name: one.lowest * one.multiple_of for one in used})
    highest = [one.highest for one in used]
    if None in highest:
        return max(least, 1), None
    most = {
        one.name: high * one.multiple_of
        for one, high in zip(used, highest, strict=True)
        if high is not None
    }
    return max(least, 1), evaluate(size, most)
