"""A plugin with one layer that is right, and one for each way to declare a layer wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from netspec.plugin import (
    Inferred,
    LayerType,
    Output,
    Positive,
    Refusal,
    Size,
    TensorType,
    at_least,
    hookimpl,
    layer,
)


def channels(input: TensorType, written: Any) -> Size:
    if input.rank not in (2, 3):
        raise Refusal(f"a scan takes [N, C, L] or [C, L], but its input is {input}")
    return input.shape[-2]


Channels = Annotated[Positive, Inferred("the input's channels", channels)]


def scanned(
    input: TensorType,
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int,
    dilation: int,
    bias: bool,
    mistake: str = "",
) -> Output:
    """What is right of a scan, but for one mistake."""
    input.require_weights_dtype("scan")
    room = input.shape[-1] - (kernel_size - 1) * (1 if "dilation" in mistake else dilation) - 1
    needs = () if "needs" in mistake else at_least(room, 0, "the input is shorter than the kernel")
    length = room // stride + (0 if "stride" in mistake else 1)
    weight = (out_channels, in_channels, kernel_size)
    parameters: dict[str, tuple[int, ...]] = {
        "weight": weight[::-1] if "weight" in mistake else weight
    }
    if bias and "bias" not in mistake:
        parameters["bias"] = (out_channels,)
    batch = input.shape[:-2]
    macs: Size = length * in_channels * kernel_size * (1 if "macs" in mistake else out_channels)
    for size in batch:
        macs = macs * size
    return Output(
        (*batch, out_channels, length), parameters=parameters, macs=macs, needs=needs,
        saves=("input",),
    )  # fmt: skip


def scan(name: str, mistake: str = "") -> LayerType:
    def rule(
        input: TensorType,
        *,
        in_channels: Channels,
        out_channels: Positive,
        kernel_size: Positive,
        stride: Positive = 1,
        dilation: Positive = 1,
        bias: bool = True,
    ) -> Output:
        """A convolution of ``(N, C, L)`` or ``(C, L)``."""
        return scanned(
            input, in_channels, out_channels, kernel_size, stride, dilation, bias, mistake
        )

    rule.__name__ = name
    return layer("planted_modules.Scan")(rule)


def scaled(input: TensorType) -> Output:
    input.require_floating("scale")
    return Output(input.shape)


@layer("planted_modules.Scale")
def another_default(input: TensorType, *, factor: float = 1.0, offset: float = 0.5) -> Output:
    """Multiplies and adds."""
    return scaled(input)


@layer("planted_modules.Scale")
def missing_argument(input: TensorType, *, factor: float = 2.0) -> Output:
    """Multiplies and adds."""
    return scaled(input)


@layer("planted_modules.Scale")
def further_argument(
    input: TensorType, *, factor: float = 2.0, offset: float = 0.5, power: float = 1.0
) -> Output:
    """Multiplies and adds."""
    return scaled(input)


@layer("planted_modules.Scale")
def another_order(input: TensorType, *, offset: float = 0.5, factor: float = 2.0) -> Output:
    """Multiplies and adds."""
    return scaled(input)


@layer("planted_modules.Positives")
def missing_dtype(input: TensorType) -> Output:
    """Where numbers are above 0."""
    return Output(input.shape)


@layer("planted_modules.Counted")
def forgotten_buffer(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape)


@layer("planted_modules.Halved")
def wrong_symbols(input: TensorType) -> Output:
    """Every second value: right for numbers alone."""
    if not input.rank:
        return Output(())
    last = input.shape[-1]
    return Output((*input.shape[:-1], (last + 1) // 2 if isinstance(last, int) else last // 2))


@layer("planted_modules.Halved")
def specialised_symbols(input: TensorType) -> Output:
    """Every second value: made for numbers alone."""
    return Output((*input.shape[:-1], *[len(range(0, size, 2)) for size in input.shape[-1:]]))  # type: ignore[arg-type]


@layer("planted_modules.Square")
def nothing_saved(input: TensorType) -> Output:
    """The squares."""
    input.require_floating("nothing_saved")
    return Output(input.shape)


@layer("planted_modules.Counted")
def failing_rule(input: TensorType) -> Output:
    """A copy of the input, which may be a number."""
    return Output((*input.shape[:-1], input.shape[-1]), buffers={"steps": ()})


@layer("planted_modules.Counted")
def too_strict(input: TensorType) -> Output:
    """A copy of the input."""
    if input.rank == 4:
        raise Refusal("images are not taken")
    return Output(input.shape, buffers={"steps": ()})


@layer("planted_modules.Kept")
def not_picklable(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape)


@layer("planted_modules.Forgetful")
def other_copy(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape)


@layer("planted_modules.Looking")
def not_exportable(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape)


@layer("planted_modules.Overwriting")
def overwritten_input(input: TensorType) -> Output:
    """Zeros."""
    return Output(input.shape, is_view=True)


@layer("planted_modules.Plain")
def plain_tensor(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape)


@layer("planted_modules.Unfilled")
def unfilled_parameter(input: TensorType) -> Output:
    """A copy of the input."""
    return Output(input.shape, parameters={"weight": (4,)})


LAYERS = (
    scan("right"),
    scan("off_by_one_in_stride", "stride"),
    scan("forgotten_dilation", "dilation"),
    scan("forgotten_need", "needs"),
    scan("wrong_parameter", "weight"),
    scan("forgotten_bias", "bias"),
    scan("wrong_macs", "macs"),
    scan("three_mistakes", "stride, weight, macs"),
    another_default,
    missing_argument,
    further_argument,
    another_order,
    missing_dtype,
    forgotten_buffer,
    wrong_symbols,
    specialised_symbols,
    nothing_saved,
    failing_rule,
    too_strict,
    not_picklable,
    other_copy,
    not_exportable,
    overwritten_input,
    plain_tensor,
    unfilled_parameter,
)


@hookimpl
def netspec_layers() -> Sequence[LayerType]:
    return LAYERS
