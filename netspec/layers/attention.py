"""Attention."""

from typing import Annotated

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Probability,
    TensorType,
    layer,
)
from netspec.declaration.refusal import Refusal
from netspec.layers.linear import last_size


@layer("netspec.modules.attention.SelfAttention", obvious="num_heads")
def self_attention(
    input: TensorType,
    *,
    embed_dim: Annotated[Positive, Inferred("the input's last size", last_size)],
    num_heads: Positive,
    dropout: Probability = 0.0,
    bias: bool = True,
    is_causal: bool = False,
) -> Output:
    """Attention of a sequence to itself, as torch.nn.MultiheadAttention: ``(N, L, E)`` stays.

    With ``is_causal`` no place sees a later one. The weights are named as those of
    MultiheadAttention.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
    """
    if input.rank != 3:
        raise Refusal(f"self_attention takes [N, L, E], but its input is {input}")
    input.require_weights_dtype("self_attention")
    if embed_dim % num_heads:
        raise Refusal(
            f"the input's last size {embed_dim} is no multiple of num_heads {num_heads}",
            argument="num_heads",
        )
    parameters: dict[str, tuple[int, ...]] = {"in_proj_weight": (3 * embed_dim, embed_dim)}
    if bias:
        parameters["in_proj_bias"] = (3 * embed_dim,)
    parameters["out_proj.weight"] = (embed_dim, embed_dim)
    if bias:
        parameters["out_proj.bias"] = (embed_dim,)
    batch, length = input.shape[0], input.shape[1]
    projections = batch * length * (4 * embed_dim * embed_dim)
    return Output(
        input.shape,
        parameters=parameters,
        macs=projections + batch * length * length * (2 * embed_dim),
    )


LAYERS = (self_attention,)
