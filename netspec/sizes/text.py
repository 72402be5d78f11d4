"""Sizes in Python syntax."""

from __future__ import annotations

from math import gcd, lcm

from netspec.sizes.expression import Atom, Expression, Floor, Monomial
from netspec.sizes.named import Symbol

# A factor as it sorts and prints: names before floors, its text, minus its power.
_Factor = tuple[bool, str, int]


def written(size: Expression) -> str:
    """The expression in Python syntax, always the same for the same size."""
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
    # A symbol that is a multiple of m is an atom m times smaller. With both sides of the
    # floor times m, none of these fractions show.
    numerator = atom.numerator
    scale = 1
    for monomial, n in numerator.terms.items():
        below = _divisor(monomial)
        scale = lcm(scale, below // gcd(below, n))
    scaled = numerator * scale
    text = str(scaled)
    alone = isinstance(scaled, Expression) and len(scaled.terms) == 1 and not scaled.constant
    return f"{text}//{atom.divisor * scale}" if alone else f"({text})//{atom.divisor * scale}"


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
