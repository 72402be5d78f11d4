"""Shapes: reshaping layers."""

from netspec.declaration import (
    Output,
    Positive,
    TensorType,
    at_least,
    layer,
    multiple_of,
    same,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, exact_quotient, product


@layer("torch.nn.Flatten", obvious="start_dim")
def flatten(input: TensorType, *, start_dim: int = 1, end_dim: int = -1) -> Output:
    """Flattens the dimensions from ``start_dim`` to ``end_dim``; by default all but the batch.

    ``(N, C, H, W)`` -> ``(N, C*H*W)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html
    """
    start = input.dim(start_dim, "start_dim")
    end = input.dim(end_dim, "end_dim")
    if start > end:
        raise Refusal(
            f"start_dim {start_dim} comes after end_dim {end_dim} in {input}",
            argument="start_dim",
        )
    flat = product(input.shape[start : end + 1])
    return Output((*input.shape[:start], flat, *input.shape[end + 1 :]), is_view=True)


@layer("torch.nn.Unflatten")
def unflatten(input: TensorType, *, dim: int, unflattened_size: tuple[int, ...]) -> Output:
    """Splits one dimension into several; a single -1 is inferred.

    ``(N, 12)`` -> ``(N, 3, 4)`` for ``dim: 1, unflattened_size: [3, -1]``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
    """
    where = input.dim(dim)
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no dim to unflatten")
    whole = input.shape[where]
    sizes, needs = _unflattened(whole, unflattened_size, where)
    shape = (*input.shape[:where], *sizes, *input.shape[where + 1 :])
    return Output(shape, needs=needs, is_view=True)


def _unflattened(whole: Size, sizes: tuple[int, ...], dim: int) -> tuple[tuple[Size, ...], Needs]:
    argument = "unflattened_size"
    if not sizes:
        raise Refusal("unflattened_size is empty", argument=argument)
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1:
        raise Refusal("unflattened_size takes sizes and at most one -1", argument=argument)
    known = product(size for size in sizes if size != -1)
    assert isinstance(known, int)
    shown = ", ".join(map(str, sizes))
    if -1 not in sizes:
        message = f"[{shown}] has {known} values, but the input's size {dim} is {whole}"
        return sizes, same(whole, known, message, argument)
    if known == 0:
        raise Refusal("-1 beside a size of 0 could be anything", argument=argument)
    message = f"the input's size {dim} is {whole}, which [{shown}] does not divide"
    needs = multiple_of(whole, known, message, argument)
    missing = divided(whole, known)
    return tuple(missing if size == -1 else size for size in sizes), needs


def divided(size: Size, number: int) -> Size:
    """A multiple of the number, divided by it."""
    quotient = exact_quotient(size, number)
    return size // number if quotient is None else quotient


@layer("torch.nn.ChannelShuffle")
def channel_shuffle(input: TensorType, *, groups: Positive) -> Output:
    """Rearranges the channels of ``groups`` groups alternately. Shape: ``(N, C, *)``, unchanged.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ChannelShuffle.html
    """
    if input.rank < 3:
        raise Refusal(f"channel_shuffle takes [N, C, *], but its input is {input}")
    message = f"the channels of {input} are no multiple of groups {groups}"
    return Output(input.shape, needs=multiple_of(input.shape[1], groups, message, "groups"))


@layer("torch.nn.PixelShuffle")
def pixel_shuffle(input: TensorType, *, upscale_factor: Positive) -> Output:
    """Rearranges channels into pixels. Shape: ``(*, C, H, W)`` -> ``(*, C/r**2, H*r, W*r)``.

    ``r`` is ``upscale_factor``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
    """
    if input.rank < 3:
        raise Refusal(f"pixel_shuffle takes [*, C, H, W], but its input is {input}")
    r = upscale_factor
    channels, height, width = input.shape[-3:]

    def message() -> str:
        return f"the channels {channels} of {input} are no multiple of {r} * {r}"

    needs = multiple_of(channels, r * r, message, "upscale_factor")
    shape = (*input.shape[:-3], divided(channels, r * r), height * r, width * r)
    return Output(shape, needs=needs)


@layer("torch.nn.PixelUnshuffle")
def pixel_unshuffle(input: TensorType, *, downscale_factor: Positive) -> Output:
    """Rearranges pixels into channels. Shape: ``(*, C, H, W)`` -> ``(*, C*r**2, H/r, W/r)``.

    ``r`` is ``downscale_factor``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelUnshuffle.html
    """
    if input.rank < 3:
        raise Refusal(f"pixel_unshuffle takes [*, C, H, W], but its input is {input}")
    r = downscale_factor
    channels, height, width = input.shape[-3:]

    def message() -> str:
        return f"the image of {height} x {width} in {input} cannot be cut into squares of {r}"

    needs = multiple_of(height, r, message, "downscale_factor")
    needs += multiple_of(width, r, message, "downscale_factor")
    if r > 1:  # torch gives an empty tensor back with the sizes that it had
        for size in input.shape:
            needs += at_least(
                size, 1, lambda: f"pixel_unshuffle needs at least one value, but gets {input}"
            )
    shape = (*input.shape[:-3], channels * (r * r), divided(height, r), divided(width, r))
    return Output(shape, needs=needs)
