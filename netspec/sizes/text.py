"""Sizes in Python syntax."""

from __future__ import annotations

from math import gcd, lcm

from netspec.budget import PRODUCT, spend
from netspec.sizes.expression import Atom, Expression, Floor, Monomial, Size, expression
from netspec.sizes.named import Symbol

# A factor as it sorts and prints: names before floors, its text, minus its power.
_Factor = tuple[bool, str, int]


def written(size: Expression) -> str:
    """The expression in Python syntax, always the same for the same size."""
    spend(PRODUCT * len(size.terms))
    if len(size.terms) > 1:
        factors = _factors(size)
        if sum(isinstance(factor, Expression) for factor in factors) > 1:
            return "*".join(_wrapped(factor) for factor in factors)
    elif size.constant < 0:
        ((monomial, n),) = size.terms.items()
        ((atom, power), *others) = monomial
        if n == power == 1 and not others and isinstance(atom, Floor):
            # (H + 1)//2 - 1 is (H - 1)//2, as it was most likely written.
            return _floor(atom.numerator + size.constant * atom.divisor, atom.divisor)
    return _sum(size)


def _factors(size: Expression) -> list[Size]:
    """The size as a product of ``atom + c`` where it is one, as H*W positions of windows are."""
    from netspec.sizes.algebra import exact_quotient  # which needs expressions, as this does

    found: list[Size] = []
    number = gcd(size.constant, *size.terms.values())
    divided = exact_quotient(size, number)
    rest: Size = size if divided is None else divided
    while isinstance(rest, Expression) and len(rest.terms) > 1:
        top = min(rest.terms, key=lambda m: (_degree(m), sorted(map(_factor, m))))
        for atom, power in sorted(top, key=_factor):
            below = frozenset((a, p) for a, p in top if a is not atom)
            missing = rest.terms.get(below, 0) if below else rest.constant
            if power > 1 or missing % rest.terms[top]:
                continue
            factor = expression({frozenset(((atom, 1),)): 1}, missing // rest.terms[top])
            quotient = exact_quotient(rest, factor)
            if quotient is not None:
                found.append(factor)
                rest = quotient
                break
        else:
            break
    found.sort(key=lambda factor: isinstance(factor, Expression) and "//" in str(factor))
    if isinstance(rest, int):
        number *= rest
    elif found:
        found.append(rest)
    return found if number == 1 else [number, *found]


def _wrapped(factor: Size) -> str:
    text = str(factor)
    return text if isinstance(factor, int) or text.isidentifier() else f"({text})"


def _sum(size: Expression) -> str:
    products = [
        (_degree(m), sorted(map(_factor, m)), _divisor(m), n) for m, n in size.terms.items()
    ]
    products.sort(key=lambda product: product[:2])
    text = ""
    for _, factors, below, n in products:
        sign = "-" if n < 0 else "+"
        # -H//2 would be (-H)//2.
        wrap = n < 0 and not text
        term = _term(abs(n), below, factors, wrap)
        text = f"{text} {sign} {term}" if text else f"{sign}{term}".removeprefix("+")
    if size.constant:
        text += f" {'-' if size.constant < 0 else '+'} {abs(size.constant)}"
    return text


def _degree(monomial: Monomial) -> int:
    """Minus the degree, so that the highest comes first."""
    return -sum(power for _, power in monomial)


def _factor(factor: tuple[Atom, int]) -> _Factor:
    atom, power = factor
    return isinstance(atom, Floor), _atom(atom), -power


def _atom(atom: Atom) -> str:
    if isinstance(atom, Symbol):
        return atom.name
    # A symbol that is a multiple of m is an atom m times smaller; see _floor.
    return _floor(atom.numerator, atom.divisor)


def _floor(numerator: Size, divisor: int) -> str:
    """``numerator // divisor``, without the fractions of symbols that are multiples."""
    assert isinstance(numerator, Expression)
    scale = 1
    for monomial, n in numerator.terms.items():
        below = _divisor(monomial)
        scale = lcm(scale, below // gcd(below, n))
    scaled = numerator * scale
    assert isinstance(scaled, Expression)
    text = _sum(scaled)
    alone = len(scaled.terms) == 1 and not scaled.constant
    return f"{text}//{divisor * scale}" if alone else f"({text})//{divisor * scale}"


def _divisor(monomial: Monomial) -> int:
    """By what the names of a product must be divided to give its atoms."""
    below = 1
    for atom, power in monomial:
        if isinstance(atom, Symbol):
            below *= atom.multiple_of**power
    return below


def _term(n: int, below: int, factors: list[_Factor], wrap: bool) -> str:
    common = gcd(n, below)
    n, below = n // common, below // common
    wrap = wrap or len(factors) > 1 or n > 1 or below > 1
    parts = [] if n == 1 else [str(n)]
    for is_floor, text, power in factors:
        if is_floor and (wrap or power < -1):
            text = f"({text})"
        parts.append(text if power == -1 else f"{text}**{-power}")
    return "*".join(parts) if below == 1 else f"{'*'.join(parts)}/{below}"
