"""MaxViT's attention in windows and grids."""

from typing import Annotated

from netspec.plugin import (
    Inferred,
    Output,
    Positive,
    Refusal,
    Size,
    TensorType,
    layer,
    multiple_of,
    product,
    same,
)


def _windows(input: TensorType) -> None:
    if input.rank != 4:
        raise Refusal(f"the layer takes windows [N, G, P, C], but its input is {input}")


def _last_size(input: TensorType, written: object = None) -> Size:
    _windows(input)
    return input.shape[3]


def _places(input: TensorType, written: object = None) -> Size:
    _windows(input)
    return input.shape[2]


@layer("torchvision.models.maxvit.RelativePositionalMultiHeadAttention")
def relative_positional_multi_head_attention(
    input: TensorType,
    *,
    feat_dim: Annotated[Positive, Inferred("the input's last size", _last_size)],
    head_dim: Positive,
    max_seq_len: Annotated[Positive, Inferred("the places of a window (its third size)", _places)],
) -> Output:
    """Attention within windows, with a bias for each relative place: ``(N, G, P, C)`` stays.

    Tu et al. (2022), "MaxViT: Multi-axis vision transformer", https://arxiv.org/abs/2204.01697
    """
    input.require_weights_dtype("relative_positional_multi_head_attention")
    if feat_dim % head_dim:
        raise Refusal(
            f"the input's last size {feat_dim} is no multiple of head_dim {head_dim}",
            argument="head_dim",
        )
    side = int(max_seq_len**0.5)
    if side * side != max_seq_len:
        raise Refusal(f"a window has p*p places, but the input {input} has {max_seq_len}")
    heads = feat_dim // head_dim
    places = product(input.shape[:3])
    products = (head_dim > 1) + (max_seq_len > 1)  # einsum multiplies over one value without bmm
    return Output(
        input.shape,
        parameters={
            "relative_position_bias_table": ((2 * side - 1) ** 2, heads),
            "to_qkv.weight": (3 * feat_dim, feat_dim),
            "to_qkv.bias": (3 * feat_dim,),
            "merge.weight": (feat_dim, feat_dim),
            "merge.bias": (feat_dim,),
        },
        buffers={"relative_position_index": (max_seq_len, max_seq_len)},
        macs=places * (4 * feat_dim * feat_dim + products * max_seq_len * feat_dim),
    )


@layer("netspec_torchvision.modules.WindowPartition")
def window_partition(input: TensorType, *, p: Positive) -> Output:
    """Windows of ``p`` by ``p``: ``(N, C, H, W)`` gives ``(N, H/p * W/p, p*p, C)``.

    Tu et al. (2022), "MaxViT: Multi-axis vision transformer", https://arxiv.org/abs/2204.01697
    """
    if input.rank != 4:
        raise Refusal(f"window_partition takes [N, C, H, W], but its input is {input}")
    batch, channels, height, width = input.shape
    message = f"the image of {input} cannot be cut into windows of {p} x {p}"
    needs = multiple_of(height, p, message, "p") + multiple_of(width, p, message, "p")
    return Output((batch, height // p * (width // p), p * p, channels), needs=needs)


@layer("netspec_torchvision.modules.WindowDepartition")
def window_departition(
    input: TensorType, *, p: Positive, h_partitions: Positive, w_partitions: Positive
) -> Output:
    """An image of windows: ``(N, G, p*p, C)`` gives ``(N, C, h_partitions*p, w_partitions*p)``.

    Tu et al. (2022), "MaxViT: Multi-axis vision transformer", https://arxiv.org/abs/2204.01697
    """
    _windows(input)
    batch, windows, places, channels = input.shape
    message = f"{input} is not {h_partitions} x {w_partitions} windows of {p} x {p}"
    needs = same(windows, h_partitions * w_partitions, message) + same(places, p * p, message, "p")
    return Output((batch, channels, h_partitions * p, w_partitions * p), needs=needs)
