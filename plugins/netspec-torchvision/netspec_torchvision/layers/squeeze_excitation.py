"""Squeeze and excitation: channels weighted by what the whole picture holds."""

from typing import Annotated

from netspec.plugin import Inferred, Positive, Refusal, Size, TensorType, from_class


def channels(input: TensorType, written: object = None) -> Size:
    """
    Raises:
        Refusal: the input has no channels.
    """
    if input.rank not in (3, 4):
        raise Refusal(f"squeeze_excitation takes (N, C, H, W) or (C, H, W), not {input}")
    return input.shape[-3]


# Without a rule: netspec runs the class without memory, and the plan marks its shapes as probed.
squeeze_excitation = from_class(
    "torchvision.ops.SqueezeExcitation",
    obvious="squeeze_channels",
    hints={
        "input_channels": Annotated[Positive, Inferred("the input's channels", channels)],
        "squeeze_channels": Positive,
    },
    left_out=["activation", "scale_activation"],  # classes, which no YAML value can be
    about="""Weighs the channels: ``(N, C, H, W)`` or ``(C, H, W)`` keeps its shape.

Each channel is multiplied by a number from 0 to 1, which two 1x1 convolutions with
``squeeze_channels`` between them make of the means of all channels.
https://docs.pytorch.org/vision/stable/generated/torchvision.ops.SqueezeExcitation.html
""",
)
