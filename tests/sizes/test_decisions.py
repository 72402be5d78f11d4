"""Decisions about sizes against brute force: never wrong."""

from __future__ import annotations

import pickle
from itertools import pairwise
from itertools import product as grid
from typing import TypeAlias

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netspec.sizes import (
    Bound,
    Counterexample,
    Equality,
    Expression,
    Size,
    at_least,
    ceil_divide,
    divisible,
    equal,
    evaluate,
    symbol,
    symbols,
)
from netspec.sizes.decide import _degree, _period

H, W, N = symbol("H"), symbol("W"), symbol("N")
law = settings(derandomize=True, deadline=None, max_examples=250, database=None)

conv = st.tuples(st.just("conv"), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2))
ceil_pool = st.tuples(st.just("ceil"), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1))
upsample = st.tuples(st.just("up"), st.integers(1, 3), st.just(1), st.just(0))
chains = st.lists(conv | ceil_pool | upsample, max_size=3)

Chain: TypeAlias = list[tuple[str, int, int, int]]


def along(chain: Chain, size: Size) -> Size:
    for kind, k, stride, padding in chain:
        if kind == "conv":
            size = (size + 2 * padding - k) // stride + 1
        elif kind == "ceil":
            size = ceil_divide(size + 2 * padding - k, stride) + 1
        else:
            size = size * k
    return size


def check(a: Size, b: Size, found: Equality, ranges: dict[str, range]) -> None:
    """The answer is right on the ranges, and its counterexample is one."""
    points = [dict(zip(ranges, point, strict=True)) for point in grid(*ranges.values())]
    differ = [p for p in points if evaluate(a, p) != evaluate(b, p)]
    if found.answer is False:
        assert found.counterexample is not None
        values = dict(found.counterexample.values)
        names = {s.name for size in (a, b) for s in symbols(size)}
        assert set(values) == names
        assert evaluate(a, values) == found.counterexample.left
        assert evaluate(b, values) == found.counterexample.right
        assert found.counterexample.left != found.counterexample.right
    elif found.answer is True:
        assert not differ
        assert found.counterexample is None
    else:
        assert found.counterexample is None


@law
@given(chains, chains, st.sampled_from([1, 2, 6]))
def test_equal_on_chains_of_layers(one: Chain, other: Chain, multiple: int) -> None:
    size = symbol("H", multiple_of=multiple)
    a, b = along(one, size), along(other, size)
    found = equal(a, b)
    check(a, b, found, {"H": range(0, 300 * multiple, multiple)})
    assert found.answer is not None


@law
@given(chains, chains, st.integers(0, 40), st.integers(0, 40), st.sampled_from([1, 3]))
def test_equal_on_a_finite_range_is_exact(
    one: Chain, other: Chain, first: int, count: int, multiple: int
) -> None:
    size = symbol("H", minimum=first, maximum=first + count + multiple, multiple_of=multiple)
    a, b = along(one, size), along(other, size)
    found = equal(a, b)
    legal = range(-(-first // multiple) * multiple, first + count + multiple + 1, multiple)
    same = all(evaluate(a, {"H": h}) == evaluate(b, {"H": h}) for h in legal)
    assert found.answer is same
    if not same:
        assert found.counterexample is not None
        assert dict(found.counterexample.values)["H"] in legal


@settings(law, max_examples=100)
@given(chains, chains, st.integers(2, 4), st.integers(0, 3), st.integers(2, 3))
def test_equal_on_floors_of_products(one: Chain, other: Chain, d: int, r: int, e: int) -> None:
    # The second is the first written otherwise.
    n = along(one, H) * along(other, W) + r
    a = (n // d * along(one, H)) // e
    b = (-((d - 1 - n) // d) * along(one, H)) // e
    ranges = {"H": range(14), "W": range(14)}
    found = equal(a, b)
    check(a, b, found, ranges)
    assert found.answer is not False
    check(a, a + n // 7 - n // 8, equal(a, a + n // 7 - n // 8), ranges)


@settings(law, max_examples=100)
@given(chains, chains, st.integers(2, 4), st.integers(0, 3), st.integers(2, 5))
def test_sizes_are_polynomials_along_their_period(
    one: Chain, other: Chain, d: int, r: int, e: int
) -> None:
    """What the proof of `equal` rests on: differences of order degree + 1 are 0."""
    size = (along(one, H) * ((along(other, H) * H + r) // d)) // e + H // 7
    assert isinstance(size, Expression)
    [h] = symbols(size)
    period, degree = _period(size, h, 1, {}), _degree(size, h)
    for start in range(min(period, 40)):
        values = [evaluate(size, {"H": start + period * t}) for t in range(degree + 4)]
        for _ in range(degree + 1):
            values = [after - before for before, after in pairwise(values)]
        assert set(values) == {0}


def test_the_proof_looks_where_the_search_does_not() -> None:
    height, width = symbol("H", minimum=32), symbol("W", minimum=32)
    h, w = height - 32, width - 32
    assert equal(h * w * (w - 3 * h), 0).answer is False


def test_equal_proves_what_the_form_does_not_show() -> None:
    a, b = H - H // 2, (H + 1) // 2
    assert a != b
    assert equal(a, b) == Equality(True)
    assert equal(N * a * W, N * W * b) == Equality(True)
    assert equal(H // 2 + (H + 1) // 2, H).answer is True
    product = H * W
    assert equal(product // 2 + (product + 1) // 2, product).answer is True
    inner = H * (W // 2)
    assert equal(inner // 2 + (inner + 1) // 2, inner).answer is True


def test_counterexamples_are_natural() -> None:
    found = equal(H // 2, (H + 1) // 2)
    assert found == Equality(False, Counterexample((("H", 33),), 16, 17))
    assert equal(N * (H // 2), N * ((H + 1) // 2)).counterexample == Counterexample(
        (("H", 33), ("N", 32)), 512, 544
    )
    assert equal(H, H + 1).counterexample == Counterexample((("H", 32),), 32, 33)
    assert equal(N + H // 2, N + (H + 1) // 2).counterexample == Counterexample(
        (("H", 33), ("N", 32)), 48, 49
    )
    assert equal(symbol("H", maximum=8) // 2, 4).counterexample == Counterexample((("H", 7),), 3, 4)
    declared = equal(symbol("H", minimum=100), 4).counterexample
    assert declared is not None
    assert declared.values == (("H", 100),)
    assert equal(3, 4) == Equality(False, Counterexample((), 3, 4))
    assert equal(4, 4) == Equality(True)


def test_large_divisors_still_have_counterexamples() -> None:
    found = equal(H // 4096, (H + 1) // 4096)
    assert found.counterexample == Counterexample((("H", 4095),), 0, 1)
    far = equal(H // 2**20, (H + 5) // 2**20)
    assert far.answer is False


def test_too_many_points_are_not_decided() -> None:
    a = (H // 211) * (W // 223)
    assert equal(a + H // 2 + (H + 1) // 2, a + H) == Equality(True)
    shifted = (H * W) // 211
    other = -((-H * W + 210) // 211)
    assert equal(shifted, other).answer is None


def test_divisible() -> None:
    assert divisible(H, 2) == Equality(False, Counterexample((("H", 33),), 1, 0))
    assert divisible(symbol("H", multiple_of=32), 16) == Equality(True)
    assert divisible(H * H + H, 2) == Equality(True)
    assert divisible(12, 4) == Equality(True)
    assert divisible(13, 4) == Equality(False, Counterexample((), 1, 0))


def test_answers_are_records() -> None:
    found = equal(H // 2, (H + 1) // 2)
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found) == hash(equal(H // 2, (H + 1) // 2))
    assert repr(Bound(None, (("H", 3),))) == (
        "Bound(answer=None, least=(('H', 3),), counterexample=None)"
    )
    for answer in (found, at_least(H, 1)):
        with pytest.raises(TypeError, match="look at its answer"):
            bool(answer)
        with pytest.raises(AttributeError):
            answer.answer = True
    with pytest.raises(ValueError, match="two different symbols are called H"):
        equal(H, symbol("H", minimum=3))


@law
@given(
    chains,
    st.integers(-5, 30),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(20, 60),
    st.sampled_from([1, 2, 6]),
)
def test_at_least_on_chains(
    chain: Chain, bound: int, minimum: int | None, maximum: int | None, multiple: int
) -> None:
    assume(maximum is None or maximum // multiple * multiple >= (minimum or 0))
    a = along(chain, symbol("H", minimum=minimum, maximum=maximum, multiple_of=multiple))
    found = at_least(a, bound)
    last = 2_000 if maximum is None else maximum
    legal = [h for h in range(minimum or 0, last + 1) if h % multiple == 0]
    holds = [h for h in legal if evaluate(a, {"H": h}) >= bound]
    if len(holds) == len(legal):
        assert found == Bound(True)
    elif not holds or minimum is not None:
        assert found.answer is False
        assert found.counterexample is not None
        [(_, value)] = found.counterexample.values
        assert value in legal
        assert evaluate(a, {"H": value}) == found.counterexample.left < bound
        assert found.counterexample.right == bound
    else:
        assert found == Bound(None, (("H", holds[0]),))


@law
@given(chains, chains, st.integers(-3, 3), st.integers(-9, 30), st.none() | st.integers(0, 9))
def test_at_least_with_two_symbols_is_never_wrong(
    one: Chain, other: Chain, factor: int, bound: int, maximum: int | None
) -> None:
    a = along(one, symbol("H", maximum=maximum)) * along(other, symbol("W", maximum=maximum))
    a = a + factor * along(one, symbol("H", maximum=maximum))
    found = at_least(a, bound)
    values = range(15 if maximum is None else maximum + 1)
    holds = [evaluate(a, {"H": h, "W": w}) >= bound for h in values for w in values]
    if found.answer is True:
        assert all(holds)
    elif found.answer is False:
        assert not any(holds)


def test_at_least() -> None:
    size = H
    for _ in range(5):
        size = (size - 3) // 2 + 1
    assert at_least(size, 1) == Bound(None, (("H", 63),))
    assert at_least(H * W, 1) == Bound(None)
    assert at_least(10 - H, 1) == Bound(None)
    assert at_least(H * W, 0) == Bound(True)
    assert at_least(3, 3) == Bound(True)
    assert at_least(3, 4) == Bound(False, (), Counterexample((), 3, 4))
    declared = symbol("H", minimum=16)
    assert at_least(declared - 20, 1) == Bound(False, (), Counterexample((("H", 16),), -4, 1))
    assert at_least(declared * N, 1) == Bound(None)
    assert at_least(symbol("H", maximum=8) - 8, 1).answer is False
    assert at_least(symbol("H", maximum=0) * W, 1).answer is False
    assert at_least(H - 10**30, 1) == Bound(None, (("H", 10**30 + 1),))


def test_many_symbols_are_searched_but_not_proved() -> None:
    total = sum((symbol(f"s{i}") for i in range(1_000)), 0)
    assert equal(total, 2 * total).answer is False
    assert at_least(total, 1) == Bound(None)
    total = sum((symbol(f"s{i}") for i in range(30)), 0)
    assert equal(total // 2 + (total + 1) // 2, total) == Equality(None)
