"""Strategies for tensors, and for arguments from a layer's declaration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import cast

from hypothesis import strategies as st

from netspec.declaration import LayerType, Refusal, TensorType
from netspec.declaration.arguments import MOST, Choice, Kind, OneOf, Real, Text, Tuple, Whole
from netspec.spec import Value

#: What the obvious argument of a layer is called where it is written without a name.
BARE = None
Arguments = Mapping[str | None, Value]

_DTYPES = ("float32",) * 12 + ("int64",) * 4 + ("float64",) * 2 + ("bool", "int32", "float16")
_BATCHES = (2, 1, 0, 3, 5)
#: Of any type, for any argument.
_ODD_VALUES: tuple[Value, ...] = (
    0, 1, -1, 2, True, False, None, "", "same", "no", "3", 0.5, 2.0, -0.5, float("inf"),
    float("nan"), (), (1,), (2, 2), (1, 1, 1), ("a",), (None,), (True, 1), ((1,),), MOST, MOST + 1,
    -MOST, 2**31, 10**21, 1e30,
)  # fmt: skip


@st.composite
def shapes(draw: st.DrawFn, max_rank: int = 5, max_size: int = 12) -> tuple[int, ...]:
    """Shapes with small sizes; the first is often 0 or 1, the others seldom 0."""
    rank = draw(st.integers(0, max_rank))
    if not rank:
        return ()
    least = draw(st.sampled_from([1] * 9 + [0]))
    others = draw(st.lists(st.integers(least, max_size), min_size=rank - 1, max_size=rank - 1))
    return (draw(st.sampled_from(_BATCHES)), *others)


def dtypes() -> st.SearchStrategy[str]:
    """Mostly float32."""
    return st.sampled_from(_DTYPES)


def input_types(max_rank: int = 5, max_size: int = 12) -> st.SearchStrategy[TensorType]:
    """Tensors that a layer may get, or may not."""
    pairs = st.tuples(shapes(max_rank, max_size), dtypes())
    return pairs.map(lambda pair: TensorType(*pair))


@st.composite
def likely_input_types(draw: st.DrawFn, layer: LayerType, max_size: int = 12) -> TensorType:
    """Tensors of the ranks that the layer's docstring shows, which mostly fit it."""
    rank = draw(st.sampled_from(documented_ranks(layer)))
    others = list(draw(st.tuples(*[_sizes(max_size)] * rank)))
    if rank and draw(st.booleans()):
        others[0] = draw(st.sampled_from(_BATCHES))
    usual = ["int64"] * 3 + ["float32"] if "int64" in layer.description else ["float32"] * 6
    return TensorType(tuple(others), draw(st.sampled_from([*usual, *_DTYPES[12:]])))


@cache
def _sizes(max_size: int) -> st.SearchStrategy[int]:
    return st.integers(1, max_size)


@cache
def documented_ranks(layer: LayerType) -> tuple[int, ...]:
    """The ranks of inputs in the docstring: those of ``(N, C, L)`` and ``(C, L)`` are 3 and 2."""
    ranks: set[int] = set()
    for inside in re.findall(r"``\(([^()]*)\)``", layer.description.split("https://")[0]):
        sizes = [size.strip() for size in inside.split(",") if size.strip()]
        ranks |= set(range(len(sizes) - 1, 6)) if "*" in sizes else {len(sizes)}
    return tuple(sorted(rank for rank in ranks if rank < 6)) or tuple(range(6))


@lru_cache(maxsize=10_000)  # making a strategy takes longer than drawing from it
def legal_values(kind: Kind, likely: tuple[int, ...] = ()) -> st.SearchStrategy[Value]:
    """Values of a declared kind: small numbers mostly, ``likely`` ones, and its limits."""
    if isinstance(kind, Whole):
        return st.sampled_from(_whole_numbers(kind, likely))  # one draw: they add up
    if isinstance(kind, Real):
        numbers: list[Value] = [0, 1, 0.5, 1e-5, 0.1, 2.0, -0.5, 3, 1e30]
        return st.sampled_from([number for number in numbers if kind.accepts(number)])
    if isinstance(kind, Choice):
        return st.sampled_from(kind.values)
    if isinstance(kind, Text):
        return st.text(max_size=5)
    if isinstance(kind, Tuple):
        item = legal_values(kind.item, likely)
        if kind.length is not None:
            return st.tuples(*[item] * kind.length)
        return st.lists(item, max_size=4).map(tuple)
    assert isinstance(kind, OneOf)
    return st.one_of(*(legal_values(option, likely) for option in kind.kinds))


def _whole_numbers(kind: Whole, likely: tuple[int, ...]) -> list[int]:
    """Small ones and likely ones forty times as often as the limits."""
    low = -1 if kind.least is None else kind.least
    small = [n for n in range(low, low + 5) if kind.accepts(n)]
    fitting = [n for n in likely if kind.accepts(n)]
    rare = [n for n in (low, low + 7, -3, 64, 2**31, kind.most) if kind.accepts(n)]
    usual = small * 2 * max(len(fitting), 1) + fitting * len(small)
    return usual * (40 * len(rare) // len(usual) + 1) + rare


def any_values(kind: Kind) -> st.SearchStrategy[Value]:
    """Values that are often just outside a declared kind, or of another one."""
    beyond = list(_beyond(kind))
    odd = st.sampled_from(_ODD_VALUES) | legal_values(kind)
    return st.sampled_from(beyond) | odd if beyond else odd


def _beyond(kind: Kind) -> Iterator[Value]:
    """Values of the kind's type that its limits leave out."""
    if isinstance(kind, Whole) and kind.least is not None:
        yield from (kind.least - 1, -1, -2)
    elif isinstance(kind, Real) and kind.least is not None:
        yield from (kind.least - 1, -0.5)
        if kind.most is not None:
            yield kind.most + 0.5
    elif isinstance(kind, Tuple):
        for value in _beyond(kind.item):
            yield (value,) * (2 if kind.length is None else kind.length)
    elif isinstance(kind, OneOf):
        for option in kind.kinds:
            yield from _beyond(option)


@st.composite
def arguments(
    draw: st.DrawFn,
    layer: LayerType,
    *,
    input: TensorType | None = None,
    legal: bool | None = None,
) -> Arguments:
    """What may be written as arguments of a layer.

    Args:
        input: lets inferred arguments be written with the value that the input gives them.
        legal: True for arguments that fit the declaration, False for some that mostly do not,
            None for both. Legal ones may still not fit the input, or each other.
    """
    written: dict[str | None, Value] = {}
    chosen = draw(_choices(len(layer.arguments)))  # which of those that may be left out are not
    sizes: tuple[int, ...] = ()
    if input is not None:
        sizes = tuple(sorted({n for n in input.shape if isinstance(n, int)}))
    for at, (name, argument) in enumerate(layer.arguments.items()):
        if argument.inferred is not None:
            if chosen >> at & 1 and draw(st.booleans()):
                written[name] = draw(_inferred(layer, name, input))
        elif argument.required or chosen >> at & 1:
            written[name] = draw(legal_values(argument.kind, sizes))
    if layer.further is not None and draw(st.booleans()):
        values = legal_values(layer.further.kind, sizes)
        written |= draw(st.dictionaries(st.sampled_from("abc"), values, max_size=2))
    obvious = layer.obvious_argument
    if list(written) == [obvious] and draw(st.booleans()):
        written = {BARE: written[obvious]}
    wrong = draw(st.integers(0, 7)) == 7 if legal is None else not legal
    return draw(spoiled(layer, written)) if wrong else written


@cache
def _choices(count: int) -> st.SearchStrategy[int]:
    """A bit for each of ``count`` things, in one draw: few of them, half of them, or all."""
    every = 2**count - 1
    some = st.integers(0, every)
    return st.one_of(
        st.tuples(some, some).map(lambda both: both[0] & both[1]), some, st.just(every)
    )


def _inferred(layer: LayerType, name: str, input: TensorType | None) -> st.SearchStrategy[Value]:
    """The value that follows from the input, or any other."""
    other = legal_values(layer.arguments[name].kind)
    try:
        mark = layer.inferred[name]
        found = mark.find(input, None) if input is not None and not mark.place else None
    except Refusal:
        found = None
    right = cast(tuple[Value, Value], (found, found[0] if isinstance(found, tuple) else found))
    known = [value for value in right if layer.arguments[name].kind.accepts(value)]
    return st.sampled_from(known) | other if known else other


@st.composite
def spoiled(draw: st.DrawFn, layer: LayerType, written: Arguments) -> Arguments:
    """One argument left out, replaced or added."""
    changed = dict(written)
    names = [*layer.arguments, "no_such", ""]
    name = draw(st.sampled_from(names))
    if name in changed and draw(st.booleans()):
        del changed[name]
    elif name in layer.arguments:
        changed.pop(BARE, None)
        changed[name] = draw(any_values(layer.arguments[name].kind))
    elif draw(st.booleans()):
        changed = {BARE: draw(st.sampled_from(_ODD_VALUES))}
    else:
        changed.pop(BARE, None)
        changed[name] = draw(st.sampled_from(_ODD_VALUES))
    return changed
