"""Exact sizes: integers, and polynomials over symbols and floors of polynomials.

An expression is kept in one canonical form, so that equal sizes mostly look equal:

- multiples leave a floor: ``(q*d + r)//d`` is ``q + r//d``, term by term;
- nested floors merge: ``(n//k + s)//d`` is ``(n + s*k)//(k*d)``, where only one can;
- common factors go: ``(g*a + c)//(g*d)`` is ``(a + c//g)//d``.

So what is left in a floor has coefficients and a constant in 0..d-1. As symbols are at least 0,
every floor is at least 0 too and never falls when a symbol grows; the decisions rely on that.
"""

from __future__ import annotations

from math import gcd

from netspec.budget import PRODUCT, TERM, spend
from netspec.sizes.limits import (
    MAX_COEFFICIENT,
    MAX_DEGREE,
    MAX_DIVISOR,
    MAX_FLOOR_DEPTH,
    MAX_FLOOR_WEIGHT,
    MAX_PRODUCTS,
    MAX_TERMS,
    SizeLimit,
)
from netspec.sizes.named import Symbol

FEW = 8  # terms, up to which an addition is not worth being charged


class Floor:
    """``numerator // divisor``, an atom of expressions; made by `floor_divide` only, frozen."""

    __slots__ = ("_hash", "depth", "divisor", "numerator", "weight")
    numerator: Expression
    divisor: int
    depth: int
    weight: int
    _hash: int

    def __init__(self, numerator: Expression, divisor: int) -> None:
        if divisor > MAX_DIVISOR:
            raise SizeLimit(f"a size is divided by {divisor:,}, more than {MAX_DIVISOR:,}")
        # As a tree, shared parts counted each time: so walks and comparisons stay short.
        depth, weight = 1, 0
        for monomial in numerator.terms:
            for atom, _ in monomial:
                weight += 1
                if type(atom) is Floor:
                    weight += atom.weight
                    depth = max(depth, atom.depth + 1)
        if depth > MAX_FLOOR_DEPTH or weight > MAX_FLOOR_WEIGHT:
            raise SizeLimit(
                "the division of a size has too many parts, or too many divisions in it"
            )
        self.numerator = numerator
        self.divisor = divisor
        self.depth = depth
        self.weight = weight
        self._hash = hash((frozenset(numerator.terms.items()), numerator.constant, divisor))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Floor):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.divisor == other.divisor
            and self.numerator == other.numerator
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Floor({self.numerator}, {self.divisor})"

    def __reduce__(self) -> tuple[type[Floor], tuple[Expression, int]]:
        return Floor, (self.numerator, self.divisor)


Atom = Symbol | Floor
# Atoms with their powers; a frozenset, as it keeps its hash and needs no order.
Monomial = frozenset[tuple[Atom, int]]
Terms = dict[Monomial, int]


class Expression:
    """A size that depends on symbols. It never changes and can be a key.

    ``==`` and ``hash`` look at the canonical form only: expressions that are ``==`` are
    equal for all values, others may still be. Ask `equal` for a decision.
    """

    __slots__ = ("_hash", "constant", "terms")
    terms: Terms  # not empty, no coefficient 0; never change it
    constant: int
    _hash: int

    def __init__(self) -> None:
        raise TypeError("make expressions with symbol() and arithmetic")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Expression is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("Expression is frozen")

    def __add__(self, other: int | Expression) -> int | Expression:
        if isinstance(other, int):
            return expression(self.terms, self.constant + other)
        if not isinstance(other, Expression):
            return NotImplemented
        terms = dict(self.terms)
        add_terms(terms, other.terms, 1)
        return expression(terms, self.constant + other.constant)

    __radd__ = __add__

    def __sub__(self, other: int | Expression) -> int | Expression:
        if isinstance(other, int):
            return expression(self.terms, self.constant - other)
        if not isinstance(other, Expression):
            return NotImplemented
        terms = dict(self.terms)
        add_terms(terms, other.terms, -1)
        return expression(terms, self.constant - other.constant)

    def __rsub__(self, other: int) -> int | Expression:
        if not isinstance(other, int):
            return NotImplemented
        return -self + other

    def __neg__(self) -> Expression:
        terms = {monomial: -factor for monomial, factor in self.terms.items()}
        return _expression(terms, -self.constant)

    def __mul__(self, other: int | Expression) -> int | Expression:
        if isinstance(other, int):
            if other == 0:
                return 0
            if len(self.terms) > FEW:
                spend(TERM * len(self.terms))
            terms = {monomial: factor * other for monomial, factor in self.terms.items()}
            _check_factors(terms)
            return expression(terms, self.constant * other)
        if not isinstance(other, Expression):
            return NotImplemented
        products = len(self.terms) * len(other.terms)
        if products > 1:
            if products > MAX_PRODUCTS:
                raise SizeLimit(f"a product of sizes has more than {MAX_PRODUCTS:,} parts")
            spend(PRODUCT * products)
        terms = {}
        for a, m in self.terms.items():
            add_terms(terms, {_times(a, b): n for b, n in other.terms.items()}, m)
        add_terms(terms, self.terms, other.constant)
        add_terms(terms, other.terms, self.constant)
        return expression(terms, self.constant * other.constant)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> int | Expression:
        if not isinstance(divisor, int):
            return NotImplemented
        return floor_divide(self, divisor)

    def __mod__(self, divisor: int) -> int | Expression:
        if not isinstance(divisor, int):
            return NotImplemented
        return self - divisor * floor_divide(self, divisor)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Expression):
            return False if isinstance(other, int) else NotImplemented
        return self.constant == other.constant and self.terms == other.terms

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            _set(self, "_hash", hash((frozenset(self.terms.items()), self.constant)))
            return self._hash

    def __bool__(self) -> bool:
        raise TypeError(
            f"the size {self} depends on symbols, so it is neither true nor false; "
            "compare sizes with equal() or at_least()"
        )

    def __str__(self) -> str:
        from netspec.sizes.text import written

        return written(self)

    def __repr__(self) -> str:
        return str(self)  # a shape prints as (N, 10)

    def __copy__(self) -> Expression:
        return self

    def __deepcopy__(self, memo: object) -> Expression:
        return self

    def __reduce__(self) -> tuple[object, tuple[Terms, int]]:
        return expression, (self.terms, self.constant)


Size = int | Expression

_new = Expression.__new__
_set = object.__setattr__  # the classes forbid their own


def symbol(
    name: str, *, minimum: int | None = None, maximum: int | None = None, multiple_of: int = 1
) -> Size:
    """The size ``name``; without a minimum it is at least 0 and counts as not declared."""
    declared = minimum is not None
    atom = Symbol(name, minimum or 0, maximum, multiple_of, declared)
    return expression({frozenset(((atom, 1),)): multiple_of}, 0)


def _expression(terms: Terms, constant: int) -> Expression:
    if not -MAX_COEFFICIENT <= constant <= MAX_COEFFICIENT:
        raise SizeLimit("a size has a number beyond 2**128 in it")
    made = _new(Expression)
    _set(made, "terms", terms)
    _set(made, "constant", constant)
    return made


def expression(terms: Terms, constant: int) -> Size:
    """The size ``terms + constant``; the terms must be canonical, and are not copied."""
    return _expression(terms, constant) if terms else int(constant)


def add_terms(terms: Terms, more: Terms, factor: int) -> None:
    """Add ``factor * more`` to ``terms``, in place."""
    if factor == 0:
        return
    if len(terms) + len(more) > FEW:
        spend(TERM * (len(terms) + len(more)))
    for monomial, n in more.items():
        total = terms.get(monomial, 0) + factor * n
        if total == 0:
            del terms[monomial]
        elif -MAX_COEFFICIENT <= total <= MAX_COEFFICIENT:
            terms[monomial] = total
        else:
            raise SizeLimit("a size has a number beyond 2**128 in it")
    if len(terms) > MAX_TERMS:
        raise SizeLimit(f"a size is a sum of more than {MAX_TERMS:,} terms")


def _check_factors(terms: Terms) -> None:
    for n in terms.values():
        if not -MAX_COEFFICIENT <= n <= MAX_COEFFICIENT:
            raise SizeLimit("a size has a number beyond 2**128 in it")


def _times(a: Monomial, b: Monomial) -> Monomial:
    powers = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    if sum(powers.values()) > MAX_DEGREE:
        raise SizeLimit(f"a size is a product of more than {MAX_DEGREE} sizes")
    return frozenset(powers.items())


def floor_divide(size: Expression, divisor: int) -> Size:
    """``size // divisor`` in canonical form."""
    if divisor < 2:
        if divisor < 1:
            raise ValueError(f"cannot divide the size {size} by {divisor}; give 1 or more")
        return size
    if len(size.terms) > FEW:
        spend(PRODUCT * len(size.terms))
    whole: Terms = {}
    rest: Terms = {}
    for monomial, n in size.terms.items():
        q, r = divmod(n, divisor)
        if q:
            whole[monomial] = q
        if r:
            rest[monomial] = r
    constant, over = divmod(size.constant, divisor)
    if rest:
        monomial = frozenset(((_reduced_floor(rest, over, divisor), 1),))
        if monomial in whole:
            add_terms(whole, {monomial: 1}, 1)
        else:
            whole[monomial] = 1
    return expression(whole, constant)


def _reduced_floor(terms: Terms, constant: int, divisor: int) -> Floor:
    """The atom of ``(terms + constant) // divisor``; all numbers are in 0..divisor-1."""
    while True:
        common = gcd(divisor, *terms.values())
        if common > 1:
            terms = {monomial: n // common for monomial, n in terms.items()}
            constant //= common
            divisor //= common
        single = _single_floor(terms)
        if single is None:
            return Floor(_expression(terms, constant), divisor)
        monomial, inner = single
        others = {m: n * inner.divisor for m, n in terms.items() if m != monomial}
        add_terms(others, inner.numerator.terms, 1)
        terms = others
        constant = inner.numerator.constant + constant * inner.divisor
        divisor *= inner.divisor


def _single_floor(terms: Terms) -> tuple[Monomial, Floor] | None:
    """The term that is a floor and nothing else (no factor, no power), if there is just one."""
    found = None
    for monomial, n in terms.items():
        if n == 1 and len(monomial) == 1:
            [(atom, power)] = monomial
            if type(atom) is Floor and power == 1:
                if found is not None:
                    return None
                found = (monomial, atom)
    return found
