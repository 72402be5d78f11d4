"""Formulas of one variable that go through measured numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from netspec.sizes import Size, SizeLimit, evaluate, symbol

MOST_PERIOD = 64


def formula(values: Mapping[int, int], name: str) -> Size | None:
    """``m*((a*x + b)//c) + k``, or a polynomial of degree 2, that goes through all values.

    None where there is none, or where the values are too few to tell: every remainder of c comes
    twice at least.
    """
    places = sorted(values)
    first = values[places[0]]
    steps = [values[place] - first for place in places]
    scale = gcd(*steps)
    if scale == 0:
        return first
    offset = first % scale
    reduced = {place: (values[place] - offset) // scale for place in places}
    floor = _floor(reduced, name)
    if floor is not None:
        return scale * floor + offset
    return _quadratic(values, name)


def _floor(values: Mapping[int, int], name: str) -> Size | None:
    """``(a*x + b)//c`` with the smallest c."""
    places = sorted(values)
    for period in range(1, MOST_PERIOD + 1):
        rises = {values[x + period] - values[x] for x in places if x + period in values}
        remainders = {x % period for x in places if x + period in values}
        if len(rises) != 1 or len(remainders) < period:
            continue
        (rise,) = rises
        # c*y <= a*x + b < c*(y + 1) at all places
        least = max(period * y - rise * x for x, y in values.items())
        most = min(period * y + period - 1 - rise * x for x, y in values.items())
        if least <= most:
            try:
                return (rise * symbol(name) + least) // period
            except SizeLimit:
                return None
    return None


def _quadratic(values: Mapping[int, int], name: str) -> Size | None:
    """``(a*x*x + b*x + c)//d`` without a remainder anywhere."""
    places = sorted(values)
    if len(places) < 5:
        return None
    x, y, z = places[:3]
    # Newton's differences as fractions over one divisor.
    divisor = (y - x) * (z - y) * (z - x)
    curve = (values[z] - values[y]) * (y - x) - (values[y] - values[x]) * (z - y)
    slope = (values[y] - values[x]) * (z - y) * (z - x) - curve * (x + y)
    whole = values[x] * divisor - slope * x - curve * x * x
    if curve % divisor or slope % divisor or whole % divisor:
        return None
    at = symbol(name)
    found = curve // divisor * at * at + slope // divisor * at + whole // divisor
    fits = all(evaluate(found, {name: place}) == value for place, value in values.items())
    return found if fits else None
