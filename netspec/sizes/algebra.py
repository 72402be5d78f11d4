"""What can be done with sizes beyond ``+ - * // %``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netspec.budget import PRODUCT, spend
from netspec.sizes.expression import Atom, Expression, Floor, Size, Terms, expression
from netspec.sizes.limits import MAX_COEFFICIENT, MAX_DEGREE, MAX_STEPS, SizeLimit
from netspec.sizes.named import Symbol


def ceil_divide(a: Size, d: int) -> Size:
    """``a / d``, rounded up."""
    if d < 1:
        raise ValueError(f"cannot divide the size {a} by {d}; give 1 or more")
    return (a + (d - 1)) // d


def product(sizes: Iterable[Size]) -> Size:
    """All sizes times each other; 1 when there are none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def symbols(size: Size) -> tuple[Symbol, ...]:
    """The symbols of a size by name, those inside floors too."""
    found: dict[Symbol, None] = {}
    _collect(size, found, set())
    return tuple(sorted(found, key=lambda symbol: symbol.name))


def _collect(size: Size, found: dict[Symbol, None], seen: set[Floor]) -> None:
    if isinstance(size, int):
        return
    for monomial in size.terms:
        for atom, _ in monomial:
            if isinstance(atom, Symbol):
                found[atom] = None
            elif atom not in seen:
                seen.add(atom)
                _collect(atom.numerator, found, seen)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is for these values; ``values`` holds each of its symbols."""
    if isinstance(size, int):
        return int(size)
    atoms: dict[str, int] = {}
    for symbol in symbols(size):
        if symbol.name not in values:
            raise ValueError(f"no value for {symbol.name} in the size {size}")
        value, over = divmod(values[symbol.name], symbol.multiple_of)
        if over:
            raise _not_a_multiple(symbol, values[symbol.name])
        atoms[symbol.name] = value
    return value_at(size, atoms)


def value_at(size: Expression, atoms: Mapping[str, int]) -> int:
    """As `evaluate`, for values that are already divided by their ``multiple_of``."""
    total = size.constant
    for monomial, n in size.terms.items():
        for atom, power in monomial:
            if isinstance(atom, Symbol):
                value = atoms[atom.name]
            else:
                value = value_at(atom.numerator, atoms) // atom.divisor
            n *= value if power == 1 else value**power
        total += n
    return total


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with values, or other sizes, for some of its symbols (by name)."""
    if isinstance(size, int) or not any(symbol.name in values for symbol in symbols(size)):
        return size
    return _substituted(size, values, {})


def _substituted(size: Expression, values: Mapping[str, Size], done: dict[Atom, Size]) -> Size:
    """Recursive, but floors are at most MAX_FLOOR_DEPTH deep."""
    total: Size = size.constant
    kept: Terms = {}
    for monomial, n in size.terms.items():
        factors: list[Size] = []
        changed = False
        for atom, power in monomial:
            value = done.get(atom)
            if value is None:
                value = _substituted_atom(atom, values, done)
                done[atom] = value
            same = expression({frozenset(((atom, 1),)): 1}, 0)
            changed = changed or value != same
            factors += [value] * power
        if changed:
            total = total + product([n, *factors])
        else:
            kept[monomial] = n
    return total + expression(kept, 0)


def _substituted_atom(atom: Atom, values: Mapping[str, Size], done: dict[Atom, Size]) -> Size:
    if isinstance(atom, Floor):
        return _substituted(atom.numerator, values, done) // atom.divisor
    if atom.name not in values:
        return expression({frozenset(((atom, 1),)): 1}, 0)
    return _atom_value(atom, values[atom.name])


def _atom_value(symbol: Symbol, value: Size) -> Size:
    quotient = exact_quotient(value, symbol.multiple_of)
    if quotient is None:
        raise _not_a_multiple(symbol, value)
    return quotient


def _not_a_multiple(symbol: Symbol, value: Size) -> ValueError:
    return ValueError(f"{symbol.name} is a multiple of {symbol.multiple_of}, not {value}")


def exact_quotient(a: Size, b: Size) -> Size | None:
    """``a / b`` when that is a size without a remainder, as polynomials; else None."""
    if isinstance(b, int):
        return _exact_by_number(a, b)
    if isinstance(a, int):
        return 0 if a == 0 else None
    if len(b.terms) == 1 and not b.constant:
        return _exact_by_monomial(a, b)
    return _exact_by_expression(a, b)


def _exact_by_number(a: Size, b: int) -> Size | None:
    if b == 0:
        return None
    if isinstance(a, int):
        return a // b if a % b == 0 else None
    if a.constant % b or any(n % b for n in a.terms.values()):
        return None
    return expression({m: n // b for m, n in a.terms.items()}, a.constant // b)


def _exact_by_monomial(a: Expression, b: Expression) -> Size | None:
    [(divisor, factor)] = b.terms.items()
    constant = 0
    terms: Terms = {}
    if a.constant:
        return None
    for monomial, n in a.terms.items():
        powers = dict(monomial)
        for atom, power in divisor:
            powers[atom] = powers.get(atom, 0) - power
        if n % factor or min(powers.values()) < 0:
            return None
        left = frozenset((atom, power) for atom, power in powers.items() if power)
        if left:
            terms[left] = n // factor
        else:
            constant = n // factor
    return expression(terms, constant)


# Powers of the atoms in the order of a list: the monomials of a long division.
_Powers = tuple[int, ...]


def _exact_by_expression(a: Expression, b: Expression) -> Size | None:
    """Long division by one polynomial: what it leaves is 0 exactly when b divides a."""
    atoms = list({atom: None for size in (b, a) for m in size.terms for atom, _ in m})
    if len(atoms) > MAX_DEGREE:
        raise SizeLimit(f"a quotient of sizes has more than {MAX_DEGREE} different parts")
    spend(PRODUCT * (len(a.terms) + len(b.terms)))
    rest, divisor = _by_powers(a, atoms), _by_powers(b, atoms)
    leading = max(divisor)
    quotient: dict[_Powers, int] = {}
    while rest:
        if len(quotient) * len(divisor) > MAX_STEPS:
            raise SizeLimit(f"a quotient of sizes takes more than {MAX_STEPS:,} steps")
        top = max(rest)
        powers = tuple(p - q for p, q in zip(top, leading, strict=True))
        n, over = divmod(rest[top], divisor[leading])
        if over or min(powers) < 0:
            return None
        if abs(n) > MAX_COEFFICIENT:
            raise SizeLimit("a quotient of sizes has a number beyond 2**128 in it")
        quotient[powers] = n
        spend(PRODUCT * len(divisor))
        for other, m in divisor.items():
            key = tuple(p + q for p, q in zip(other, powers, strict=True))
            left = rest.get(key, 0) - n * m
            if left:
                rest[key] = left
            else:
                rest.pop(key, None)
    constant = quotient.pop((0,) * len(atoms), 0)
    terms = {
        frozenset((atom, p) for atom, p in zip(atoms, powers, strict=True) if p): n
        for powers, n in quotient.items()
    }
    return expression(terms, constant)


def _by_powers(size: Expression, atoms: list[Atom]) -> dict[_Powers, int]:
    result = {tuple(dict(m).get(atom, 0) for atom in atoms): n for m, n in size.terms.items()}
    if size.constant:
        result[(0,) * len(atoms)] = size.constant
    return result
