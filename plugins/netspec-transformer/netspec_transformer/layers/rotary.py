"""Rotary position embedding."""

from typing import Annotated

from netspec.plugin import (
    LastSize,
    Output,
    Range,
    Refusal,
    TensorType,
    layer,
)

Theta = Annotated[float, Range(1)]


@layer("netspec_transformer.modules.RotaryEmbedding", obvious="rope_theta")
def rotary_embedding(
    input: TensorType, *, head_dim: LastSize, rope_theta: Theta = 10_000.0
) -> Output:
    """Turns pairs of values by angles that grow with the place: ``(*, L, head_dim)`` stays.

    At place ``p`` the values ``i`` and ``i + head_dim / 2`` are turned by
    ``p * rope_theta ** (-2 * i / head_dim)``: the halves are paired, as in Llama's weights of
    Hugging Face, not neighbours as in Meta's. Places are counted from 0. There are no parameters.
    Su et al. (2021), "RoFormer", https://arxiv.org/abs/2104.09864
    """
    if input.rank < 2:
        raise Refusal(f"rotary_embedding takes [..., L, head_dim], but its input is {input}")
    input.require_floating("rotary_embedding")
    require_pairs(head_dim, f"the input's last size {head_dim}")
    # The cosines and the sines, of half a head each.
    saved = input.shape[-2] * (head_dim * input.itemsize)
    return Output(input.shape, saved_bytes=saved)


def require_pairs(head_dim: int, what: str, argument: str | None = None, help: str = "") -> None:
    """
    Raises:
        Refusal: the values of a head cannot be paired.
    """
    if head_dim % 2:
        raise Refusal(
            f"{what} is odd: a rotary embedding turns pairs of values",
            argument=argument,
            help=help,
        )
