"""Further inputs that go with the first, for layers that take several."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from netspec.declaration import LayerType, TensorType
from netspec.sizes import Size
from netspec.testing.strategies import BARE, Arguments, input_types

#: Draws the further inputs from the first one and the written arguments.
Companions = Callable[[TensorType, Arguments], st.SearchStrategy[tuple[TensorType, ...]]]


@st.composite
def further_inputs(
    draw: st.DrawFn, layer: LayerType, input: TensorType, written: Arguments
) -> tuple[TensorType, ...]:
    """As many as the layer may take: like the first, or a little or quite different."""
    least, most = layer.required_inputs - 1, len(layer.inputs) - 1
    if not most:
        return ()
    known = FITTING.get(layer.name)
    if known is not None and draw(st.integers(0, 4)):
        return draw(known(input, written))
    return tuple([draw(similar(input)) for _ in range(draw(st.integers(least, most)))])


@st.composite
def similar(draw: st.DrawFn, input: TensorType) -> TensorType:
    """The same type most of the time; another size, one dim less or more, or any type."""
    shape = list(input.shape)
    match draw(st.integers(0, 9)):
        case 0 if shape:
            shape[draw(st.integers(0, len(shape) - 1))] = draw(st.integers(0, 6))
        case 1 if shape:
            del shape[draw(st.integers(0, len(shape) - 1))]
        case 2:
            shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(1, 3)))
        case 3:
            return draw(input_types())
    return input._replace(shape=tuple(shape))


def _its_indices(
    input: TensorType, written: Arguments
) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """Indices of the same shape."""
    return st.just((input._replace(dtype="int64"),))


@st.composite
def _of_any_size(draw: st.DrawFn, input: TensorType, written: Arguments) -> tuple[TensorType, ...]:
    """Nothing, where the size is written; else most of the time an image of another size."""
    if any(written.get(name) is not None for name in ("size", "scale_factor")):
        return ()
    sizes = [draw(st.integers(1, 6)) for _ in input.shape[2:]]
    return (input._replace(shape=(*input.shape[:2], *sizes)),)


def _alike(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    return st.just((input,))


def _written(layer_argument: str, written: Arguments, default: int = 1) -> int:
    """The number that is written for an argument, with its name or without."""
    value = written.get(layer_argument, written.get(BARE, default))
    return value if type(value) is int else default


def _states(*names: str) -> Companions:
    """The states with which a recurrent layer begins, or none: they are zeros then."""

    def draw(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
        hidden = _written("hidden_size", written)
        projected = written.get("proj_size")
        size = {"h_0": projected} if projected and isinstance(projected, int) else {}
        number = written.get("num_layers", 1)
        stack = number if type(number) is int else 1
        stack *= 2 if written.get("bidirectional") is True else 1
        batch = input.shape[:1] if written.get("batch_first") is True else input.shape[1:2]
        front = (stack, *batch) if input.rank == 3 else (stack,)
        states = [TensorType((*front, size.get(name, hidden))) for name in names]
        return st.sampled_from([(), tuple(states)])

    return draw


def _cell_states(count: int) -> Companions:
    """As `_states`, for one step."""

    def draw(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
        state = TensorType((*input.shape[:-1], _written("hidden_size", written)))
        return st.sampled_from([(), (state,) * count])

    return draw


def _keys(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """A key and a value for a query, and a mask or none."""
    at = 1 if written.get("batch_first") is True and input.rank == 3 else 0

    def wide(
        places: int, key: int, value: int, masks: tuple[TensorType, ...]
    ) -> tuple[TensorType, ...]:
        shape = (*input.shape[:at], places, *input.shape[at + 1 : -1])
        return (TensorType((*shape, key)), TensorType((*shape, value)), *masks)

    def with_masks(places: int) -> st.SearchStrategy[tuple[TensorType, ...]]:
        batch, length = _batch_and_length(input, at)
        padding, pairs = _masks(batch, length, places, _written("num_heads", written))
        return st.builds(wide, st.just(places), width, width, _first_of(padding, pairs))

    own = input.shape[-1] if input.shape else 1
    assert isinstance(own, int)
    width = st.sampled_from([own, own, 4])
    return st.integers(1, 5).flatmap(with_masks)


def _own_masks(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """Masks of a sequence that attends to itself, or none."""
    at = 1 if written.get("batch_first") is True and input.rank == 3 else 0
    batch, length = _batch_and_length(input, at)
    padding, pairs = _masks(batch, length, length, _written("nhead", written))
    return _first_of(pairs, padding)


def _memory(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """Another sequence of the same width and batch, and masks or none."""
    at = 1 if written.get("batch_first") is True and input.rank == 3 else 0
    batch, length = _batch_and_length(input, at)
    heads = _written("nhead", written)

    def long(places: int) -> st.SearchStrategy[tuple[TensorType, ...]]:
        memory = TensorType((*input.shape[:at], places, *input.shape[at + 1 :]))
        own_padding, own = _masks(batch, length, length, heads)
        padding, pairs = _masks(batch, length, places, heads)
        masks = _first_of(own, pairs, own_padding, padding)
        return masks.map(lambda given: (memory, *given))

    return st.integers(1, 5).flatmap(long) if input.rank > 1 else st.just((input,))


def _source(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """A target for the source of a transformer, and masks or none."""
    at = 1 if written.get("batch_first") is True and input.rank == 3 else 0
    batch, source = _batch_and_length(input, at)
    heads = _written("nhead", written, 8)

    def long(places: int) -> st.SearchStrategy[tuple[TensorType, ...]]:
        target = TensorType((*input.shape[:at], places, *input.shape[at + 1 :]))
        of_source, own = _masks(batch, source, source, heads)
        of_target, of_itself = _masks(batch, places, places, heads)
        _, across = _masks(batch, places, source, heads)
        masks = _first_of(own, of_itself, across, of_source, of_target, of_source)
        return masks.map(lambda given: (target, *given))

    return st.integers(1, 5).flatmap(long) if input.rank > 1 else st.just((input,))


Masks = st.SearchStrategy[TensorType]


def _batch_and_length(input: TensorType, at: int) -> tuple[tuple[Size, ...], Size]:
    length = input.shape[at] if input.shape else 1
    return (input.shape[1 - at],) if input.rank == 3 else (), length


def _masks(batch: tuple[Size, ...], queries: Size, keys: Size, heads: int) -> tuple[Masks, Masks]:
    """A mask of the keys, and one of the pairs of queries and keys."""
    dtypes = st.sampled_from(["bool", "bool", "float32"])
    every = (batch[0] * heads if batch else heads, queries, keys)
    pairs = st.sampled_from([(queries, keys), (queries, keys), every])
    of_keys = dtypes.map(lambda dtype: TensorType((*batch, keys), dtype))
    return of_keys, st.tuples(pairs, dtypes).map(lambda pair: TensorType(*pair))


def _first_of(*masks: Masks) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """None of them, the first, the first two, and so on."""
    return st.integers(-1, len(masks)).flatmap(lambda count: st.tuples(*masks[: max(count, 0)]))


def _second(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """All sizes but the last are the same."""
    return st.integers(1, 4).map(lambda last: (input._replace(shape=(*input.shape[:-1], last)),))


def _offsets(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """Offsets where there are no bags yet, and weights for the sum."""
    if input.rank != 1:
        return st.just(())
    least = 2 if written.get("include_last_offset") is True else 1
    offsets = st.integers(least, 4).map(lambda n: TensorType((n,), input.dtype))
    weights = input._replace(dtype="float32")
    if written.get("mode") == "sum":
        return offsets.flatmap(lambda given: st.sampled_from([(given,), (given, weights)]))
    return offsets.map(lambda given: (given,))


def _broadcast(input: TensorType, written: Arguments) -> st.SearchStrategy[tuple[TensorType, ...]]:
    """Some sizes are 1, and some in front are left out."""

    def some(ones: list[bool], start: int, dtype: str) -> tuple[TensorType, ...]:
        pairs = zip(input.shape, ones, strict=True)
        shape = tuple([1 if one else size for size, one in pairs])[start:]
        return (TensorType(shape, dtype),)

    ones = st.lists(st.integers(0, 3).map(lambda n: n == 3), min_size=input.rank,
                    max_size=input.rank)  # fmt: skip
    dtypes = st.sampled_from([*[input.dtype] * 6, "float64", "float32"])
    return st.builds(some, ones, st.sampled_from([0, 0, 0, 1]), dtypes)


#: For layers whose further inputs depend on their arguments, by name.
FITTING: dict[str, Companions] = {
    "interpolate": _of_any_size,
    "reparameterize": _alike,
    "max_unpool1d": _its_indices,
    "max_unpool2d": _its_indices,
    "max_unpool3d": _its_indices,
    "lstm": _states("h_0", "c_0"),
    "gru": _states("h_0"),
    "rnn": _states("h_0"),
    "lstm_cell": _cell_states(2),
    "gru_cell": _cell_states(1),
    "rnn_cell": _cell_states(1),
    "multihead_attention": _keys,
    "transformer_decoder_layer": _memory,
    "transformer_decoder": _memory,
    "transformer_encoder_layer": _own_masks,
    "transformer_encoder": _own_masks,
    "transformer": _source,
    "bilinear": _second,
    "embedding_bag": _offsets,
    "cosine_similarity": _broadcast,
    "pairwise_distance": _broadcast,
}
