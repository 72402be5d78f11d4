"""What convolutions, pools and norms share: inputs of channels and ``dims`` sizes of an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netspec.declaration import Output, TensorType, at_least
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.numbers import require_finite
from netspec.sizes import Size

_MOST_FACTOR = 2**16  # of a named size
_SIZES = {1: "L", 2: "H, W", 3: "D, H, W"}


def require_batched_or_not(layer: str, input: TensorType, dims: int) -> None:
    """
    Raises:
        Refusal: the input is neither ``(N, C, *sizes)`` nor ``(C, *sizes)``.
    """
    if input.rank in (dims + 1, dims + 2):
        return
    image = _SIZES[dims]
    raise Refusal(
        f"{layer} takes [N, C, {image}] or one sample [C, {image}], but its input is {input}",
        help=f"give the input its channels: [N, C, {image}]" if input.rank == dims else "",
    )


def require_not_empty(layer: str, input: TensorType, dims: int) -> Needs:
    """Only the batch may be empty: what has to be true of the channels and sizes of the image.

    Raises:
        Refusal: one of them is known to be 0.
    """

    def message() -> str:
        return f"{layer} needs at least one value, but its input is {input}"

    needs: Needs = ()
    for size in input.shape[-dims - 1 :]:
        needs += at_least(size, 1, message)
    return needs


def by(sizes: Iterable[Size]) -> str:
    """``28 x 28``."""
    return " x ".join(str(size) for size in sizes)


def grown(
    sizes: tuple[Size, ...],
    reach: Sequence[int],
    strides: tuple[int, ...],
    paddings: tuple[int, ...],
    more: tuple[int, ...],
) -> tuple[tuple[Size, ...], Needs]:
    """The sizes that windows came from, and what has to be true for them."""
    out = tuple(
        (size - 1) * s - 2 * p + r + m
        for size, s, p, r, m in zip(sizes, strides, paddings, reach, more, strict=True)
    )

    def message() -> str:
        return f"padding {by(paddings)} takes everything away: the output would be {by(out)}"

    needs: Needs = ()
    for size in out:
        needs += at_least(size, 1, message, "padding")
    return out, needs


def scaled(size: Size, factor: float, argument: str) -> Size:
    """``floor(size * factor)``, computed with floats as torch does; exact for named sizes too.

    Raises:
        Refusal: the factor is not finite, or how a named size is rounded depends on its number.
    """
    require_finite(factor, argument)
    if isinstance(size, int):
        return int(float(size) * factor)
    top, bottom = float(factor).as_integer_ratio()
    if max(top, bottom) <= _MOST_FACTOR:  # the product has no more digits than a float
        return size * top // bottom
    parts = round(1 / factor) if factor * _MOST_FACTOR >= 1 else 0
    # 1/49 is a float below that: 49 * (1/49) is rounded to 0. 1/3 times 3 is 1, so times 6 is 2.
    if parts and factor == 1 / parts and int(parts * factor) == 1:
        return size // parts
    raise Refusal(
        f"{argument} {factor} of the size {size} needs a known number: the product is rounded",
        argument=argument,
        help=f"give {size} a number in `input`, or write a factor such as 2, 1.5 or 0.25",
    )


def with_indices(
    input: TensorType, dims: int, shape: tuple[Size, ...], needs: Needs, return_indices: bool
) -> Output:
    """The output of a pool of largest values, and where they were found in its input."""
    indices = TensorType(shape, "int64", input.shape[-dims:])
    if return_indices:
        return Output(shape, needs=needs, others={"indices": indices}, saves=("input", "indices"))
    return Output(shape, needs=needs, saves=("input",), saved_bytes=indices.nbytes)


def require_single_or_double(layer: str, input: TensorType) -> None:
    """
    Raises:
        Refusal: the input holds halves, for which torch has this on some devices only.
    """
    if input.dtype in ("float16", "bfloat16"):
        raise Refusal(
            f"{layer} takes float32 or float64, but its input holds {input.dtype}",
            help="torch computes it with halves on cuda only, and not on the cpu",
        )
