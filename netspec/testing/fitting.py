"""Arguments that fit an input, for layers where those drawn one by one seldom do."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from hypothesis import strategies as st

from netspec.declaration import TensorType
from netspec.spec import Value
from netspec.testing.strategies import Arguments

Fitting = Callable[[TensorType], st.SearchStrategy[Arguments]]


def _sizes(input: TensorType) -> list[int]:
    return [size for size in input.shape if isinstance(size, int)]


@st.composite
def _order_of_dims(draw: st.DrawFn, input: TensorType) -> Arguments:
    order = draw(st.permutations(range(input.rank)))
    return {"dims": tuple([draw(st.sampled_from([at, at - input.rank])) for at in order])}


@st.composite
def _windows_of(draw: st.DrawFn, input: TensorType) -> Arguments:
    """An image with as many windows as the input is long, of a kernel that its channels allow."""
    channels, length = (*_sizes(input), 1, 1)[-2:] if input.rank > 1 else (1, 1)
    if not channels or not length:
        return {"output_size": 2, "kernel_size": 2}
    kernels = [(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if channels % (a * b) == 0]
    kernel = draw(st.sampled_from(kernels))
    rows = draw(st.sampled_from([n for n in range(1, length + 1) if length % n == 0]))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    padding = draw(st.integers(0, 1))
    sizes = [
        (count - 1) * stride + dilation * (k - 1) + 1 - 2 * padding
        for count, k in zip((rows, length // rows), kernel, strict=True)
    ]
    written: dict[str | None, Value] = {"output_size": tuple(sizes), "kernel_size": kernel}
    given = {"stride": stride, "dilation": dilation, "padding": padding}
    defaults = {"stride": 1, "dilation": 1, "padding": 0}
    return written | {name: n for name, n in given.items() if n != defaults[name]}


@st.composite
def _one_way(draw: st.DrawFn, input: TensorType, modes: bool) -> Arguments:
    """A size or a factor, and a mode for the rank."""
    dims = max(input.rank - 2, 1)
    way = draw(st.sampled_from(["size", "scale_factor"]))
    one = st.integers(1, 7) if way == "size" else st.sampled_from([1, 2, 3.0, 1.5, 0.5, 1 / 3, 2.7])
    value: Value = draw(one)
    if draw(st.booleans()):
        value = tuple([draw(one) for _ in range(dims)])
    written: dict[str | None, Value] = {way: value}
    smooth = {3: ["linear"], 4: ["bilinear", "bicubic"], 5: ["trilinear"]}.get(input.rank)
    if modes and smooth and draw(st.booleans()):
        written["mode"] = draw(st.sampled_from(smooth))
        if draw(st.booleans()):
            written["align_corners"] = draw(st.sampled_from([True, False, None]))
    elif modes and draw(st.booleans()):
        written["mode"] = draw(st.sampled_from(["nearest", "nearest-exact", "area"]))
    return written


def _size_or_factor(input: TensorType) -> st.SearchStrategy[Arguments]:
    return _one_way(input, False)


def _size_factor_and_mode(input: TensorType) -> st.SearchStrategy[Arguments]:
    return _one_way(input, True)


@st.composite
def _less_than_there_is(draw: st.DrawFn, input: TensorType, dims: int) -> Arguments:
    """A kernel, and a size or ratio of the output that leaves room for it."""
    sizes = _sizes(input)[-dims:]
    kernel = draw(st.integers(1, 2))
    most = max(min(sizes, default=1) - kernel - dims + 3, 1)
    way = draw(st.sampled_from(["output_size", "output_ratio"]))
    one = st.integers(1, most) if way == "output_size" else st.sampled_from([0.5, 0.4, 1 / 3])
    value: Value = draw(one)
    if draw(st.booleans()):
        value = tuple([draw(one) for _ in range(dims)])
    written: dict[str | None, Value] = {"kernel_size": kernel, way: value}
    if draw(st.booleans()):
        written["return_indices"] = draw(st.booleans())
    return written


@st.composite
def _square_of_channels(draw: st.DrawFn, input: TensorType) -> Arguments:
    channels = _sizes(input)[-3] if input.rank > 2 else 1
    fitting = [n for n in (1, 2, 3) if channels % (n * n) == 0]
    return {"upscale_factor": draw(st.sampled_from(fitting))}


@st.composite
def _sizes_of_a_sample(draw: st.DrawFn, input: TensorType) -> Arguments:
    """As many values as one sample has, in two sizes, or the second one as -1."""
    values = prod(_sizes(input)[1:])
    first = draw(st.sampled_from([n for n in range(1, 13) if values % n == 0]))
    rest = draw(st.sampled_from([-1, values // first]))
    return {"shape": (first, rest or -1)}


#: By the name of the layer.
ARGUMENTS: dict[str, Fitting] = {
    "fold": _windows_of,
    "fractional_max_pool2d": lambda input: _less_than_there_is(input, 2),
    "fractional_max_pool3d": lambda input: _less_than_there_is(input, 3),
    "interpolate": _size_factor_and_mode,
    "permute": _order_of_dims,
    "pixel_shuffle": _square_of_channels,
    "reshape": _sizes_of_a_sample,
    "upsample": _size_factor_and_mode,
    "upsampling_bilinear2d": _size_or_factor,
    "upsampling_nearest2d": _size_or_factor,
}
