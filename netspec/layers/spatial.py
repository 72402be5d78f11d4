"""What convolutions, pools and norms share: inputs of channels and ``dims`` sizes of an image."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.declaration import TensorType, at_least
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size

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
