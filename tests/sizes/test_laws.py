"""Arithmetic of sizes against the same arithmetic of integers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.sizes import (
    Expression,
    Size,
    SizeLimit,
    Symbol,
    ceil_divide,
    evaluate,
    exact_quotient,
    product,
    substitute,
    symbol,
    symbols,
)

NAMES = {"H": 1, "W": 1, "M": 32}  # with their multiples
LEAVES = {name: symbol(name, multiple_of=m) for name, m in NAMES.items()}

# A program: a leaf, or an operation with its operands. It runs on sizes and on integers.
Program: TypeAlias = "int | str | tuple[Program, ...]"
Point: TypeAlias = dict[str, int]
programs: st.SearchStrategy[Program] = st.recursive(
    st.sampled_from(sorted(NAMES)) | st.integers(-9, 9),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-*"), inner, inner),
        st.tuples(st.sampled_from(["//", "%", "ceil"]), inner, st.integers(1, 12)),
        st.tuples(st.just("neg"), inner),
    ),
    max_leaves=7,
)


def multiples(m: int) -> st.SearchStrategy[int]:
    return st.integers(0, 99).map(lambda n: n * m)


points = st.fixed_dictionaries({name: multiples(m) for name, m in NAMES.items()})
law = settings(derandomize=True, deadline=None, max_examples=400, database=None)


def run(program: Program, leaves: Mapping[str, Size]) -> Size:
    match program:
        case int():
            return program
        case str():
            return leaves[program]
        case "+", a, b:
            return run(a, leaves) + run(b, leaves)
        case "-", a, b:
            return run(a, leaves) - run(b, leaves)
        case "*", a, b:
            return run(a, leaves) * run(b, leaves)
        case "//", a, int(d):
            return run(a, leaves) // d
        case "%", a, int(d):
            return run(a, leaves) % d
        case "ceil", a, int(d):
            return ceil_divide(run(a, leaves), d)
        case "neg", a:
            return -run(a, leaves)
    raise AssertionError(f"no program: {program}")


@law
@given(programs, points)
def test_sizes_compute_as_integers_do(program: Program, point: Point) -> None:
    size = run(program, LEAVES)
    number = run(program, point)
    assert evaluate(size, point) == number
    assert substitute(size, point) == number
    assert type(substitute(size, point)) is int
    assert eval(str(size), {}, dict(point)) == number


@law
@given(programs, points)
def test_a_part_of_the_values_can_be_substituted(program: Program, point: Point) -> None:
    size = run(program, LEAVES)
    some = substitute(size, {"H": point["H"]})
    assert "H" not in [s.name for s in symbols(some)]
    assert evaluate(some, point) == run(program, point)
    moved = substitute(size, {"H": LEAVES["W"] + 3, "M": LEAVES["H"] * 64})
    other = {"H": point["W"] + 3, "W": point["W"], "M": point["H"] * 64}
    assert evaluate(moved, point) == run(program, other)


@law
@given(programs, programs, points)
def test_exact_quotient_undoes_a_product(program: Program, other: Program, point: Point) -> None:
    a, b = run(program, LEAVES), run(other, LEAVES)
    if b == 0:
        assert exact_quotient(a, b) is None
        return
    assert exact_quotient(a * b, b) == a
    quotient = exact_quotient(a, b)
    if quotient is not None:
        assert quotient * b == a


@law
@given(programs)
def test_copies_are_equal_with_equal_hashes(program: Program) -> None:
    size = run(program, LEAVES)
    for same in (
        pickle.loads(pickle.dumps(size)),
        copy.deepcopy(size),
        copy.copy(size),
        run(program, LEAVES),
        size + LEAVES["H"] * LEAVES["W"] - LEAVES["W"] * LEAVES["H"],
    ):
        assert same == size
        assert hash(same) == hash(size)
        assert str(same) == str(size)


@law
@given(st.lists(st.integers(2, 9), max_size=4), st.integers(-40, 40), st.integers(1, 30))
def test_floors_merge_in_any_order(divisors: list[int], offset: int, factor: int) -> None:
    nested = factor * LEAVES["H"] + offset
    for d in divisors:
        nested = nested // d
    whole = 1
    for d in divisors:
        whole *= d
    assert nested == (factor * LEAVES["H"] + offset) // whole


def test_equal_values_look_equal() -> None:
    height, width = LEAVES["H"], LEAVES["W"]
    once = height
    for _ in range(5):
        once = (once + 2 - 2 - 1) // 2 + 1
    assert str(once) == "(H + 31)//32"
    assert ((height - 1) // 2) // 2 == (height - 1) // 4
    assert (height - 1) // 2 + 1 == (height + 1) // 2
    assert (6 * height) // 4 == (3 * height) // 2
    assert (2 * height + 1) // 2 == height
    assert (4 * height + 6) // 4 == height + 1
    assert (12 * height) % 4 == 0
    assert (3 * (height // 2)) // 3 == height // 2
    assert exact_quotient(64 * height * width, height * width) == 64
    assert exact_quotient(64 * height * width, 63) is None
    assert exact_quotient(height * height - width * width, height - width) == height + width
    assert exact_quotient(height * width + 1, height) is None
    assert exact_quotient(0, height) == 0
    assert exact_quotient(12, height) is None
    assert exact_quotient(12, 4) == 3
    assert height - height == 0
    assert type(height - height) is int
    assert product([]) == 1
    assert product([64, height, width]) == 64 * height * width


def test_a_thousand_layers_that_keep_the_size() -> None:
    size = LEAVES["H"]
    for _ in range(1_000):
        size = (size + 2 * 1 - 1 * (3 - 1) - 1) // 1 + 1
    assert size == LEAVES["H"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (64 * LEAVES["W"] * LEAVES["H"], "64*H*W"),
        (((LEAVES["W"] + 1) // 2) * symbol("N") * ((LEAVES["H"] + 1) // 2),
         "N*((H + 1)//2)*((W + 1)//2)"),
        ((LEAVES["H"] + 2) // 2, "H//2 + 1"),
        (2 * LEAVES["H"] - 3, "2*H - 3"),
        (LEAVES["H"] * LEAVES["H"], "H**2"),
        (3 - LEAVES["H"] // 2, "-(H//2) + 3"),
        (LEAVES["H"] - LEAVES["H"] // 2, "H - H//2"),
        (5 * (LEAVES["H"] // 2), "5*(H//2)"),
        ((LEAVES["H"] // 2) * (LEAVES["H"] // 2), "(H//2)**2"),
        ((3 * LEAVES["H"]) // 4, "3*H//4"),
        (LEAVES["W"] + LEAVES["H"] * LEAVES["H"] + LEAVES["H"] * LEAVES["W"] + 1,
         "H**2 + H*W + W + 1"),
        (LEAVES["M"], "M"),
        (LEAVES["M"] // 4, "M/4"),
        (3 * (LEAVES["M"] // 4), "3*M/4"),
        (LEAVES["M"] * LEAVES["H"], "H*M"),
        (LEAVES["M"] // 32 * LEAVES["H"], "H*M/32"),
        ((LEAVES["M"] + 32) // 224, "(M + 32)//224"),
    ],
)  # fmt: skip
def test_printing(size: Size, text: str) -> None:
    assert str(size) == text
    assert repr(size) == text


def test_expressions_are_frozen_and_neither_true_nor_ordered() -> None:
    size = LEAVES["H"] // 2
    assert isinstance(size, Expression)
    with pytest.raises(TypeError, match="H//2 depends on symbols"):
        bool(size)
    with pytest.raises(TypeError):
        assert size < 3  # type: ignore[operator]
    with pytest.raises(AttributeError):
        size.constant = 3
    with pytest.raises(AttributeError):
        symbols(size)[0].name = "W"
    with pytest.raises(TypeError):
        Expression()
    with pytest.raises(TypeError):
        size + "1"  # type: ignore[operator]
    with pytest.raises(TypeError):
        size // size  # type: ignore[operator]
    with pytest.raises(TypeError):
        1.5 * size  # type: ignore[operator]
    with pytest.raises(TypeError):
        7 // size  # type: ignore[operator]
    for d in (0, -2):
        with pytest.raises(ValueError, match="give 1 or more"):
            size // d
        with pytest.raises(ValueError, match="give 1 or more"):
            ceil_divide(size, d)


def test_symbols() -> None:
    assert symbols(LEAVES["W"] * ((LEAVES["H"] + LEAVES["M"] // 32) // 3)) == (
        Symbol("H"),
        Symbol("M", multiple_of=32),
        Symbol("W"),
    )
    assert symbols(7) == ()
    [declared] = symbols(symbol("N", minimum=1, maximum=8))
    assert declared == Symbol("N", 1, 8, 1, True)
    assert pickle.loads(pickle.dumps(declared)) == declared
    for wrong in ({"minimum": -1}, {"multiple_of": 0}, {"minimum": 33, "maximum": 63}):
        with pytest.raises(ValueError, match="H"):
            symbol("H", **{"multiple_of": 32, **wrong})


def test_a_multiple_takes_only_multiples() -> None:
    with pytest.raises(ValueError, match="M is a multiple of 32, not 33"):
        substitute(LEAVES["M"] // 4, {"M": 33})
    with pytest.raises(ValueError, match="M is a multiple of 32, not H"):
        substitute(LEAVES["M"] // 4, {"M": LEAVES["H"]})
    with pytest.raises(ValueError, match="M is a multiple of 32, not 33"):
        evaluate(LEAVES["M"] // 4, {"M": 33})
    with pytest.raises(ValueError, match="no value for H"):
        evaluate(LEAVES["H"], {})


def _strided() -> None:
    size = LEAVES["H"]
    for _ in range(200):
        size = (size - 1) // 2 + 1


def _sums() -> None:
    product(symbol(f"a{i}") + symbol(f"b{i}") for i in range(60))


def _powers() -> None:
    size = LEAVES["H"] + 1
    for _ in range(200):
        size = size * size


def _doubled() -> None:
    size = LEAVES["H"] + LEAVES["W"]
    for _ in range(200):
        size = size + size


def _scaled() -> None:
    # Grows inside out: each floor holds all floors before it.
    size = LEAVES["H"]
    for _ in range(200):
        size = (size * 3) // 2


def _two_floors() -> None:
    size = LEAVES["H"]
    for _ in range(200):
        size = size // 2 + (size * LEAVES["W"]) // 3


@pytest.mark.parametrize("hostile", [_strided, _sums, _powers, _doubled, _scaled, _two_floors])
def test_absurd_sizes_end_soon(hostile: Callable[[], None]) -> None:
    with pytest.raises(SizeLimit):
        hostile()
