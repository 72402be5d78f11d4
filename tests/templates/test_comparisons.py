"""Comparisons have three answers: those that depend on a size of the input are refused."""

import operator
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netspec
from netspec.sizes import Expression, Size, evaluate, symbol
from netspec.templates import EvaluationError, Template, parse_template
from netspec.templates import evaluate as value_of

SIZES: dict[str, Size] = {
    "H": symbol("H", minimum=2, maximum=4),
    "W": symbol("W", minimum=3, maximum=6, multiple_of=3),
}
POINTS = [{"H": h, "W": w} for h, w in product((2, 3, 4), (3, 6))]
PYTHON: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
}


def compared(word: str, left: Any, right: Any) -> Any:
    template = parse_template(f"$(left {word} right)")
    assert isinstance(template, Template)
    return value_of(template, {"left": left, "right": right})


def at(value: Any, point: dict[str, int]) -> Any:
    """The value with numbers for its sizes."""
    if isinstance(value, tuple):
        return tuple(at(item, point) for item in value)
    return evaluate(value, point) if isinstance(value, Expression) else value


numbers = st.sampled_from([1, 2, 3, 4, 7, 2.5, 3.0, float("inf")])
sizes = st.sampled_from([*SIZES.values(), SIZES["H"] + 1, SIZES["W"] // 2, 2 * SIZES["H"]])
values = st.recursive(
    numbers | sizes, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5
)


def test_an_answer_holds_for_all_sizes() -> None:
    drawn = Counter[str]()

    @settings(max_examples=1_000, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(sorted(PYTHON)), values, values)
    def law(word: str, left: Any, right: Any) -> None:
        try:
            answer = compared(word, left, right)
        except EvaluationError as problem:
            drawn["undecided" if "depends on the input" in str(problem) else "refused"] += 1
            return
        drawn[f"{word} {answer}"] += 1
        for point in POINTS:
            assert PYTHON[word](at(left, point), at(right, point)) is answer, point

    law()
    assert drawn.keys() >= {f"{word} {answer}" for word in PYTHON for answer in (True, False)}
    assert drawn["undecided"] >= 20, drawn


H = SIZES["H"]


@pytest.mark.parametrize(
    ("word", "left", "right", "answer"),
    [
        ("==", (4, H), (4, 3), None),
        ("==", (4, H), (4, 9), False),
        ("==", (5, H), (4, 3), False),
        ("==", (4, H), (4, H, 1), False),
        ("==", (H, "a"), (H, "a"), True),
        ("!=", (4, H), (4, 3), None),
        ("in", 3, (H, 3), True),
        ("in", 3, (H, 1), None),
        ("in", (4, 3), ((4, H), 5), None),
        ("not in", 9, (H, 1), True),
        ("<", (4, H), (4, 5), True),
        ("<", (3, H), (4, 1), True),
        ("<", (4, H), (4, 3), None),
        (">=", (H, 1), (2, 1), True),
        ("<", H, 4.5, True),
        ("==", H, 2.5, False),
    ],
)
def test_lists_are_compared_item_by_item(
    word: str, left: Any, right: Any, answer: bool | None
) -> None:
    if answer is not None:
        assert compared(word, left, right) is answer
        return
    with pytest.raises(EvaluationError, match="depends on the input: it compares"):
        compared(word, left, right)


@pytest.mark.parametrize(
    "text", ["shape == [4, 8]", "[4, 8] != shape", "8 in shape", "[8] in [shape[1:]]"]
)
def test_an_item_is_not_left_out_in_silence(text: str) -> None:
    (found,) = netspec.check(
        f"netspec: 1\ninput: [N, H]\nlayers: [{{relu: , when: '$({text})'}}]\n"
    )
    assert (found.code, found.location.line) == ("bad-expression", 3)
    assert f"`{text}` depends on the input" in found.message
