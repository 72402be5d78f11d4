"""Exact sizes of tensors: integers, or expressions over symbols such as ``(H + 1)//2``.

Arithmetic keeps sizes in a canonical form; `equal`, `divisible` and `at_least` decide what
holds for all values of the symbols, and give numbers where it does not.
"""

from netspec.sizes.algebra import (
    ceil_divide,
    evaluate,
    exact_quotient,
    product,
    substitute,
    symbols,
)
from netspec.sizes.decide import (
    Bound,
    Counterexample,
    Equality,
    at_least,
    divisible,
    equal,
    example_without,
)
from netspec.sizes.expression import Expression, Size, symbol
from netspec.sizes.limits import SizeLimit
from netspec.sizes.named import Symbol

__all__ = [
    "Bound",
    "Counterexample",
    "Equality",
    "Expression",
    "Size",
    "SizeLimit",
    "Symbol",
    "at_least",
    "ceil_divide",
    "divisible",
    "equal",
    "evaluate",
    "example_without",
    "exact_quotient",
    "product",
    "substitute",
    "symbol",
    "symbols",
]
