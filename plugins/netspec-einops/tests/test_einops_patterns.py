"""The parser against that of einops: the same texts are patterns, and mean the same."""

import warnings

import pytest
from einops import EinopsError
from einops.parsing import AnonymousAxis, ParsedExpression
from hypothesis import example, given, settings
from hypothesis import strategies as st
from netspec_einops.pattern import ELLIPSIS, PatternError, number, parse_pattern, parse_side

WORDS = [
    "a",
    "b",
    "h1",
    "a_b",
    "_",
    "_a",
    "a_",
    "1",
    "2",
    "0",
    "01",
    "...",
    "..",
    "-",
    "²",
    "٣",
    "é",
]
TEXTS = st.lists(st.sampled_from([*WORDS, " ", " ", " ", "(", ")", "\t"]), max_size=9).map("".join)

Meaning = tuple[list[list[str | int]], bool, bool]


def ours(text: str) -> Meaning | None:
    try:
        side = parse_side(text)
    except PatternError:
        return None
    groups = [[number(axis) or axis for axis in group] for group in side.groups]
    return groups, side.has_ellipsis, side.is_grouped


def theirs(text: str) -> Meaning | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            side = ParsedExpression(text)
    except EinopsError:
        return None
    plain = {"…": ELLIPSIS}
    groups = [
        [axis.value if isinstance(axis, AnonymousAxis) else plain.get(axis, axis) for axis in group]
        for group in side.composition
    ]
    return groups, side.has_ellipsis, bool(side.has_ellipsis_parenthesized)


@settings(deadline=None, max_examples=400)
@given(TEXTS)
@example("a(b)c")
@example("( ... a) 1 ()")
@example("... ...")
@example("b...")
@example("2 (2 1)")
def test_a_text_means_what_it_means_to_einops(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b c", "the pattern 'b c' has no `->`"),
        ("a -> b -> c", "the pattern 'a -> b -> c' has 2 times `->`"),
        ("b (c -> b c", "a `(` without its `)`, at character 3 of 'b (c -> b c'"),
        ("b c -> b) c", "a `)` without its `(`, at character 9 of 'b c -> b) c'"),
        ("a ((b)) -> a b", "a `(` inside parentheses, at character 4 of 'a ((b)) -> a b'"),
        ("a b -> a a", "the axis a comes again, at character 10 of 'a b -> a a'"),
        ("a.b -> a", "'.' is not allowed in a pattern, at character 2 of 'a.b -> a'"),
        ("a… -> a", "'…' is not allowed in a pattern, at character 2 of 'a… -> a'"),
        ("a_ -> a", "'a_' is no name of an axis, at character 1 of 'a_ -> a'"),
        ("0 -> a", "an axis of size 0, at character 1 of '0 -> a'"),
        ("a" * 2_000, "the pattern has 2,000 letters; 1,000 are enough"),
    ],
)
def test_what_is_wrong_has_its_place(text: str, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert caught.value.message == message
