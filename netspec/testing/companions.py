"""Further inputs that go with the first, for layers that take several."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from netspec.declaration import LayerType, TensorType
from netspec.testing.strategies import Arguments, input_types

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


#: For layers whose further inputs depend on their arguments, by name.
FITTING: dict[str, Companions] = {
    "interpolate": _of_any_size,
    "reparameterize": _alike,
    "max_unpool1d": _its_indices,
    "max_unpool2d": _its_indices,
    "max_unpool3d": _its_indices,
}
