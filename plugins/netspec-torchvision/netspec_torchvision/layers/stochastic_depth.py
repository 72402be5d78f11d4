"""Stochastic depth: residual branches that are left out in training."""

from typing import Literal

from netspec.plugin import Output, Probability, Refusal, TensorType, layer


@layer("torchvision.ops.StochasticDepth")
def stochastic_depth(input: TensorType, *, p: Probability, mode: Literal["batch", "row"]) -> Output:
    """Sets samples to zero with probability ``p`` in training: ``(N, *)`` gives ``(N, *)``.

    Mode ``row`` draws for each sample, ``batch`` for all of them at once.
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.StochasticDepth.html
    """
    input.require_floating("stochastic_depth")
    if mode == "row" and not input.shape:
        raise Refusal("the input [] has no rows: it is a single number", argument="mode")
    if p == 0:
        return Output(input.shape, is_view=True)
    drawn = TensorType(input.shape[:1] if mode == "row" else (), input.dtype)
    return Output(input.shape, saved_bytes=drawn.nbytes)
