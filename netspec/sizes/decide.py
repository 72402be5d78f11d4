"""Decisions about sizes: proved, refuted with numbers, or left open; never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from math import lcm

from netspec.budget import spend
from netspec.sizes.algebra import symbols, value_at
from netspec.sizes.expression import Expression, Floor, Size
from netspec.sizes.limits import MAX_POINTS, MAX_WORK, SizeLimit
from netspec.sizes.named import Symbol
from netspec.sizes.record import Record

MAX_PROBES = 1_000  # values of one symbol that are tried before a proof
NATURAL = 32  # counterexamples start here: a picture of 33 pixels tells more than one of 1
MAX_SYMBOLS = 20  # with more, no proof is tried and only these are varied one by one

_Point = tuple[int, ...]  # values of symbols, divided by their multiple_of


class Counterexample(Record):
    """Values of symbols for which two sizes differ: ``left`` and ``right`` are their numbers."""

    __match_args__ = ("values", "left", "right")
    __slots__ = __match_args__
    values: tuple[tuple[str, int], ...]
    left: int
    right: int

    def __init__(self, values: tuple[tuple[str, int], ...], left: int, right: int) -> None:
        self._fill(values, left, right)


class Equality(Record):
    """Whether two sizes are equal for all values; None when that could not be decided."""

    __match_args__ = ("answer", "counterexample")
    __slots__ = __match_args__
    answer: bool | None
    counterexample: Counterexample | None

    def __init__(self, answer: bool | None, counterexample: Counterexample | None = None) -> None:
        self._fill(answer, counterexample)

    def __bool__(self) -> bool:
        raise TypeError("an Equality may be undecided; look at its answer")


class Bound(Record):
    """Whether a size is always at least a number.

    None means that it depends: ``least`` has the smallest value of the one symbol that is
    enough, or nothing when that is not known. False comes with a counterexample.
    """

    __match_args__ = ("answer", "least", "counterexample")
    __slots__ = __match_args__
    answer: bool | None
    least: tuple[tuple[str, int], ...]
    counterexample: Counterexample | None

    def __init__(
        self,
        answer: bool | None,
        least: tuple[tuple[str, int], ...] = (),
        counterexample: Counterexample | None = None,
    ) -> None:
        self._fill(answer, least, counterexample)

    def __bool__(self) -> bool:
        raise TypeError("a Bound may be undecided; look at its answer")


def equal(a: Size, b: Size) -> Equality:
    """Whether two sizes are equal for all legal values of their symbols.

    The proof evaluates ``a - b`` over a period. Let P be, for a symbol, a common multiple of
    the products of the divisors around it. When the symbol grows by P, everything under a
    floor grows by a multiple of its divisor, so what the floors cut off stays the same. Thus
    on the values r, r + P, r + 2*P, ... the difference is a polynomial, and one of degree D
    that is 0 at D + 1 values in each symbol is 0 everywhere.
    """
    if a == b:
        return Equality(True)
    try:
        difference = a - b
    except SizeLimit:
        return Equality(None)
    if isinstance(difference, int):
        used = _all_symbols(a, b)
        return Equality(False, _counterexample(a, b, used, _starts(used)))
    work = _work(difference)
    allowed = min(MAX_POINTS, MAX_WORK // work)
    used = _all_symbols(difference)
    axes = [_axis(difference, symbol) for symbol in used[:MAX_SYMBOLS]]
    for point in islice(_probes(difference, used, axes), allowed):
        spend(work)
        if _at(difference, used, point):
            return _unequal(a, b, used, point)
    # Each symbol needs two values or more.
    points = 1 if len(used) <= MAX_SYMBOLS else allowed + 1
    for axis in axes:
        points *= len(axis)
        if points > allowed:
            return Equality(None)
    for point in product(*axes):
        spend(work)
        if _at(difference, used, point):
            return _unequal(a, b, used, point)
    return Equality(True)


def example_without(a: Size, b: Size, number: int) -> Counterexample | None:
    """Values for which two sizes differ and neither is ``number``, where some are found."""
    used = _all_symbols(a, b)
    try:
        difference = a - b
    except SizeLimit:
        return None
    axes = [range(_start(one), _start(one) + MAX_PROBES) for one in used[:MAX_SYMBOLS]]
    points = _probes(difference, used, axes) if isinstance(difference, Expression) else ()
    for point in (_starts(used), *islice(points, MAX_PROBES), _lowest(used)):
        found = _counterexample(a, b, used, point)
        if found.left != found.right and number not in (found.left, found.right):
            return found
    return None


def _work(size: Expression) -> int:
    """How many atoms one evaluation visits."""
    return sum(
        1 + (atom.weight if isinstance(atom, Floor) else 0)
        for monomial in size.terms
        for atom, _ in monomial
    )


def divisible(a: Size, d: int) -> Equality:
    """Whether ``a % d`` is always 0; a counterexample has the remainder on its left."""
    try:
        remainder = a % d
    except SizeLimit:
        return Equality(None)
    return equal(remainder, 0)


def at_least(a: Size, bound: int) -> Bound:
    """Whether ``a >= bound`` for all legal values of its symbols.

    False when it holds for none of them, or when it fails at the minimum of symbols whose
    minima are all declared: then the user asked for those sizes.
    """
    if isinstance(a, int):
        return Bound(True) if a >= bound else Bound(False, (), Counterexample((), int(a), bound))
    solved = _solved(a, bound)
    if solved is not None:
        return _at_least_of_one(a, bound, *solved)
    spend(_work(a))
    low, high = _range(a)
    if low is not None and low >= bound:
        return Bound(True)
    used = _all_symbols(a)
    lowest = _lowest(used)
    value = _at(a, used, lowest)
    if (high is not None and high < bound) or (
        value < bound and all(symbol.declared for symbol in used)
    ):
        values = _named(used, lowest)
        return Bound(False, (), Counterexample(values, value, bound))
    # With factors >= 0 it never falls when the symbol grows, as no floor does.
    if len(used) > 1 or min(a.terms.values()) < 0:
        return Bound(None)
    return Bound(None, _named(used, (_least(a, used[0], bound),)))


def _at_least_of_one(a: Expression, bound: int, symbol: Symbol, least: int) -> Bound:
    """The decision where ``a >= bound`` is ``symbol >= least``."""
    if least <= symbol.lowest:
        return Bound(True)
    if symbol.declared or (symbol.highest is not None and least > symbol.highest):
        used, lowest = [symbol], (symbol.lowest,)
        values = _named(used, lowest)
        return Bound(False, (), Counterexample(values, _at(a, used, lowest), bound))
    return Bound(None, _named([symbol], (least,)))


def _solved(size: Expression, bound: int) -> tuple[Symbol, int] | None:
    """``size >= bound`` as ``symbol >= least``, where the size is ``n*atom + c`` all the way down.

    ``n*atom + c >= bound`` is ``atom >= (bound - c)/n`` rounded up, and ``m//d >= b`` is
    ``m >= b*d``: most sizes of a model are so, and a search would take ten times as long.
    """
    while len(size.terms) == 1:
        ((monomial, n),) = size.terms.items()
        if len(monomial) != 1:
            return None
        ((atom, power),) = monomial
        if power != 1 or n < 0:
            return None
        needed = -((size.constant - bound) // n)
        if isinstance(atom, Symbol):
            return atom, needed
        size, bound = atom.numerator, needed * atom.divisor
    return None


def _least(size: Expression, symbol: Symbol, bound: int) -> int:
    """The first value with ``size >= bound``; there is one, as the size grows for ever
    or reaches the bound at the symbol's maximum."""
    below, step = symbol.lowest, 1
    while value_at(size, {symbol.name: below + step}) < bound:
        below += step
        step *= 2
    enough = below + step
    while enough - below > 1:
        middle = (below + enough) // 2
        if value_at(size, {symbol.name: middle}) < bound:
            below = middle
        else:
            enough = middle
    return enough


def _range(size: Expression) -> tuple[int | None, int | None]:
    """Bounds of a size over all legal values; None where there is none.

    All atoms are at least 0, so each product is smallest where its factors are.
    """
    low: int | None = size.constant
    high: int | None = size.constant
    for monomial, n in size.terms.items():
        least, most = 1, 1  # -1 in most: no bound
        for atom, power in monomial:
            first, last = _floor_range(atom) if isinstance(atom, Floor) else _limits(atom)
            least *= first**power
            # 0 times anything is 0.
            most = -1 if last is None or most < 0 else most * last**power
            if last == 0:
                least = most = 0
                break
        if n < 0:
            low = None if low is None or most < 0 else low + n * most
            high = None if high is None else high + n * least
        else:
            low = None if low is None else low + n * least
            high = None if high is None or most < 0 else high + n * most
    return low, high


def _limits(symbol: Symbol) -> tuple[int, int | None]:
    return symbol.lowest, symbol.highest


def _floor_range(floor: Floor) -> tuple[int, int | None]:
    low, high = _range(floor.numerator)
    return (low or 0) // floor.divisor, None if high is None else high // floor.divisor


def _all_symbols(*sizes: Size) -> list[Symbol]:
    """The symbols of all sizes by name; one name must be one symbol."""
    found: dict[str, Symbol] = {}
    for size in sizes:
        for symbol in symbols(size):
            if found.setdefault(symbol.name, symbol) != symbol:
                raise ValueError(f"two different symbols are called {symbol.name}")
    return [found[name] for name in sorted(found)]


def _start(symbol: Symbol) -> int:
    """The value to begin with, divided by ``multiple_of``: 32 or a bit more where legal."""
    start = max(symbol.lowest, -(-NATURAL // symbol.multiple_of))
    return start if symbol.highest is None else min(start, symbol.highest)


def _starts(used: list[Symbol]) -> _Point:
    return tuple(_start(symbol) for symbol in used)


def _lowest(used: list[Symbol]) -> _Point:
    return tuple(symbol.lowest for symbol in used)


def _axis(size: Expression, symbol: Symbol) -> range:
    """The values of a symbol that a proof needs, or all legal ones if they are fewer.

    One of more than MAX_POINTS is cut there, as no proof follows.
    """
    period, degree = _period(size, symbol, 1, {}), _degree(size, symbol)
    count = min(period * (degree + 1), MAX_POINTS + 1)
    start = _start(symbol)
    if symbol.highest is not None:
        count = min(count, symbol.highest - symbol.lowest + 1)
        start = min(start, symbol.highest - count + 1)
    return range(start, start + count)


def _period(
    size: Expression, symbol: Symbol, around: int, seen: dict[tuple[Floor, int], int]
) -> int:
    """The least common multiple of the products of divisors on all ways to the symbol."""
    period = 1
    for monomial in size.terms:
        for atom, _ in monomial:
            if isinstance(atom, Floor):
                key = (atom, around)
                if key not in seen:
                    inside = around * atom.divisor
                    seen[key] = _period(atom.numerator, symbol, inside, seen)
                period = lcm(period, seen[key])
            elif atom == symbol:
                period = lcm(period, around)
    return period


def _degree(size: Expression, symbol: Symbol) -> int:
    degree = 0
    for monomial in size.terms:
        total = 0
        for atom, power in monomial:
            if isinstance(atom, Floor):
                total += power * _degree(atom.numerator, symbol)
            elif atom == symbol:
                total += power
        degree = max(degree, total)
    return degree


def _probes(size: Expression, used: list[Symbol], axes: list[range]) -> Iterator[_Point]:
    """Points where a difference is likely, the natural ones first."""
    starts = _starts(used)
    yield starts
    for i, (symbol, axis) in enumerate(zip(used, axes, strict=False)):
        near = range(starts[i], starts[i] + min(len(axis), MAX_PROBES))
        down = range(starts[i] - 1, max(symbol.lowest, starts[i] - MAX_PROBES) - 1, -1)
        for value in (*near, *islice(_edges(size, starts[i]), MAX_PROBES), *down):
            if symbol.highest is None or value <= symbol.highest:
                yield (*starts[:i], value, *starts[i + 1 :])
    # All at once, by different steps.
    for step in range(1, 100):
        point = (start + step * (2 * i + 1) for i, start in enumerate(starts))
        yield tuple(
            value if symbol.highest is None else min(value, symbol.highest)
            for symbol, value in zip(used, point, strict=True)
        )
    yield _lowest(used)


def _edges(size: Expression, start: int) -> Iterator[int]:
    """Values around which a floor steps, when it is one of a symbol plus a constant."""
    for monomial in size.terms:
        for atom, _ in monomial:
            if isinstance(atom, Floor):
                edge = -(-start // atom.divisor) * atom.divisor - atom.numerator.constant
                for value in range(edge - 1, edge + 2):
                    if value >= start:
                        yield value
                yield from _edges(atom.numerator, start)


def _at(size: Expression, used: list[Symbol], point: _Point) -> int:
    return value_at(size, {s.name: value for s, value in zip(used, point, strict=True)})


def _named(used: list[Symbol], point: _Point) -> tuple[tuple[str, int], ...]:
    return tuple((s.name, value * s.multiple_of) for s, value in zip(used, point, strict=True))


def _unequal(a: Size, b: Size, used: list[Symbol], point: _Point) -> Equality:
    """The answer False; symbols that only the difference has lost get a natural value."""
    known = dict(zip(used, point, strict=True))
    everything = _all_symbols(a, b)
    values = tuple(known.get(symbol, _start(symbol)) for symbol in everything)
    return Equality(False, _counterexample(a, b, everything, values))


def _counterexample(a: Size, b: Size, used: list[Symbol], point: _Point) -> Counterexample:
    left, right = (size if isinstance(size, int) else _at(size, used, point) for size in (a, b))
    return Counterexample(_named(used, point), left, right)
