"""Upsampling: of sequences, images and volumes."""

from collections.abc import Sequence
from typing import Annotated, Literal

from netspec.declaration import Output, Positive2d, Range, TensorType, at_least, layer
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.spatial import by, require_not_empty, scaled
from netspec.sizes import Size

Sizes = Annotated[int | tuple[int, ...] | None, Range(1)]
Factors = Annotated[float | tuple[float, ...] | None, Range(0)]
Factors2d = Annotated[float | tuple[float, float] | None, Range(0)]
Mode = Literal["nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"]

#: The rank that a mode needs; the others take sequences, images and volumes.
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
_MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}


@layer("torch.nn.Upsample", obvious="scale_factor")
def upsample(
    input: TensorType,
    *,
    size: Sizes = None,
    scale_factor: Factors = None,
    mode: Mode = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Output:
    """Resizes ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.

    The sizes become ``size``, or ``floor(L * scale_factor)``; both are one number for all sizes, or
    a list. The batch is required.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Upsample.html
    """
    if recompute_scale_factor and size is not None:
        raise Refusal(
            "recompute_scale_factor means nothing beside a size", argument="recompute_scale_factor"
        )
    require_one_way("upsample", size, scale_factor)
    return resized("upsample", input, size, scale_factor, mode, align_corners)


@layer("torch.nn.UpsamplingNearest2d", obvious="scale_factor")
def upsampling_nearest2d(
    input: TensorType,
    *,
    size: Positive2d | None = None,
    scale_factor: Factors2d = None,
) -> Output:
    """Nearest-neighbour upsampling. Shape: ``(N, C, H, W)``.

    ``H`` and ``W`` become ``size``, or ``floor(H * scale_factor)`` and ``floor(W * scale_factor)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.UpsamplingNearest2d.html
    """
    return _resized_image("upsampling_nearest2d", input, size, scale_factor, "nearest")


@layer("torch.nn.UpsamplingBilinear2d", obvious="scale_factor")
def upsampling_bilinear2d(
    input: TensorType,
    *,
    size: Positive2d | None = None,
    scale_factor: Factors2d = None,
) -> Output:
    """Bilinear upsampling. Shape: ``(N, C, H, W)``.

    ``H`` and ``W`` become ``size``, or ``floor(H * scale_factor)`` and ``floor(W * scale_factor)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.UpsamplingBilinear2d.html
    """
    return _resized_image("upsampling_bilinear2d", input, size, scale_factor, "bilinear")


def _resized_image(
    name: str,
    input: TensorType,
    size: int | tuple[int, ...] | None,
    scale_factor: float | tuple[float, ...] | None,
    mode: str,
) -> Output:
    if input.rank != 4:
        raise Refusal(
            f"{name} takes [N, C, H, W], but its input is {input}",
            help="add a batch: there is no form for one image" if input.rank == 3 else "",
        )
    require_one_way(name, size, scale_factor)
    return resized(name, input, size, scale_factor, mode, None)


def require_one_way(name: str, *ways: object) -> None:
    """
    Raises:
        Refusal: not exactly one of size and scale_factor (and a second input) is there.
    """
    if sum(way is not None for way in ways) != 1:
        other = " and a second input" if len(ways) > 2 else ""
        both = "size, scale_factor" if other else "size and scale_factor"
        raise Refusal(f"{name} takes one of {both}{other}", help="write `scale_factor: 2`")


def resized(
    name: str,
    input: TensorType,
    size: int | Sequence[Size] | None,
    scale_factor: float | tuple[float, ...] | None,
    mode: str,
    align_corners: bool | None,
) -> Output:
    """The input with other sizes after its channels: ``size``, else by a factor.

    Raises:
        Refusal: the mode does not take such an input or align_corners, or there are too few or
            too many numbers.
    """
    _require_mode(name, input, mode, align_corners)
    dims = input.rank - 2
    needs: Needs = require_not_empty(name, input, dims)
    sizes: tuple[Size, ...]
    if size is not None:
        sizes = tuple(size) if isinstance(size, Sequence) else (size,) * dims
        _require_length(sizes, input, "size")
    else:
        assert scale_factor is not None
        factors = scale_factor if isinstance(scale_factor, tuple) else (scale_factor,) * dims
        _require_length(factors, input, "scale_factor")
        sizes = tuple(
            scaled(known, factor, "scale_factor")
            for known, factor in zip(input.shape[2:], factors, strict=True)
        )

        def message() -> str:
            return f"{by(input.shape[2:])} times {' x '.join(map(str, factors))} is empty"

        for result in sizes:
            needs += at_least(result, 1, message, "scale_factor")
    # An area is a mean over windows, and of one window it is computed in a way that keeps nothing.
    saves = ("input",) if mode == "area" and any(size != 1 for size in sizes) else ()
    return Output((*input.shape[:2], *sizes), needs=needs, saves=saves)


def _require_mode(name: str, input: TensorType, mode: str, align_corners: bool | None) -> None:
    if not (mode.startswith("nearest") and input.dtype == "uint8"):
        input.require_floating(name)
    rank = _RANKS.get(mode)
    if input.rank not in (3, 4, 5):
        raise Refusal(f"{name} takes [N, C, L], [N, C, H, W] or [N, C, D, H, W], but gets {input}")
    if rank not in (None, input.rank):
        raise Refusal(
            f"mode {mode} takes {rank} sizes, but its input is {input}",
            argument="mode",
            help=f"write `mode: {_MODES[input.rank]}` for {input.rank} sizes",
        )
    if align_corners is not None and rank is None:
        raise Refusal(
            f"mode {mode} has no align_corners",
            argument="align_corners",
            help="it is of the modes linear, bilinear, bicubic and trilinear",
        )


def _require_length(values: Sequence[object], input: TensorType, argument: str) -> None:
    if len(values) != input.rank - 2:
        raise Refusal(
            f"{argument} has {len(values)} numbers, but {input} has {input.rank - 2} sizes after "
            "its channels",
            argument=argument,
        )
