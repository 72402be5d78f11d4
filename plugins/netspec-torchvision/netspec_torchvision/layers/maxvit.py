"""Windows, grids and their attention, of MaxViT."""

from math import isqrt
from typing import Annotated

from netspec.plugin import (
    Inferred,
    LastSize,
    Output,
    Positive,
    Refusal,
    Size,
    TensorType,
    exact_quotient,
    layer,
    multiple_of,
    same,
)
from netspec_torchvision.layers.common import FLOAT, linear, require_sizes


def _window_length(input: TensorType, written: object = None) -> Size:
    require_sizes("relative_positional_multi_head_attention", input, "N, G, P, C")
    return input.shape[2]


@layer("torchvision.models.maxvit.RelativePositionalMultiHeadAttention")
def relative_positional_multi_head_attention(
    input: TensorType,
    *,
    feat_dim: LastSize,
    head_dim: Positive,
    max_seq_len: Annotated[
        Positive, Inferred("the input's third size, the values of a window", _window_length)
    ],
) -> Output:
    """Attention in each of G windows of P values, of MaxViT: ``(N, G, P, C)`` stays.

    The windows are squares: P, which is ``max_seq_len``, is 49 for 7 x 7.
    https://arxiv.org/abs/2204.01697
    """
    name = "relative_positional_multi_head_attention"
    require_sizes(name, input, "N, G, P, C")
    input.require_weights_dtype(name)
    if feat_dim % head_dim:
        raise Refusal(
            f"the input's last size {feat_dim} cannot be split into heads of {head_dim}",
            argument="head_dim",
        )
    size = isqrt(max_seq_len)
    if size**2 != max_seq_len:
        raise Refusal(
            f"windows are squares, but {max_seq_len} values make none", argument="max_seq_len"
        )
    batch, windows, length, _ = input.shape
    needs = same(
        length,
        max_seq_len,
        f"windows of {max_seq_len} values are expected, but the input {input} has {length}",
        "max_seq_len",
    )
    heads = feat_dim // head_dim
    parameters = {
        "relative_position_bias_table": ((2 * size - 1) ** 2, heads),
        **linear("to_qkv", 3 * feat_dim, feat_dim),
        **linear("merge", feat_dim, feat_dim),
    }
    # A sum of one product is no product of matrices for einsum: it is not counted.
    scores = max_seq_len * feat_dim if head_dim > 1 else 0
    values = max_seq_len * feat_dim if max_seq_len > 1 else 0
    return Output(
        input.shape,
        parameters=parameters,
        buffers={"relative_position_index": (max_seq_len, max_seq_len)},
        macs=batch * windows * max_seq_len * (4 * feat_dim * feat_dim + scores + values),
        needs=needs,
        saves=("input",),
        # Queries, keys, values and what the projection gets; the weights of the values.
        saved_bytes=batch * windows * max_seq_len * (4 * feat_dim + max_seq_len * heads) * FLOAT,
    )


@layer("torchvision.models.maxvit.SwapAxes")
def swap_axes(input: TensorType, *, a: int, b: int) -> Output:
    """The dims ``a`` and ``b`` in each other's place.

    ``(N, G, P, C)`` with ``a: -2, b: -3`` gives ``(N, P, G, C)``.
    https://docs.pytorch.org/docs/stable/generated/torch.swapaxes.html
    """
    first, second = input.dim(a, "a"), input.dim(b, "b")
    shape = list(input.shape)
    if shape:
        shape[first], shape[second] = shape[second], shape[first]
    return Output(tuple(shape), is_view=True)


@layer("netspec_torchvision.modules.WindowPartition")
def window_partition(input: TensorType, *, p: Positive) -> Output:
    """Cuts an image into windows of ``p`` x ``p``, of MaxViT.

    ``(N, C, H, W)`` gives ``(N, H/p * W/p, p*p, C)``.
    https://github.com/pytorch/vision/blob/main/torchvision/models/maxvit.py
    """
    require_sizes("window_partition", input, "N, C, H, W")
    batch, channels, height, width = input.shape
    message = f"the image of {height} x {width} cannot be cut into windows of {p} x {p}"
    needs = multiple_of(height, p, message, "p") + multiple_of(width, p, message, "p")
    windows = _quotient(height, p) * _quotient(width, p)
    return Output((batch, windows, p * p, channels), needs=needs)


@layer("netspec_torchvision.modules.WindowDepartition")
def window_departition(
    input: TensorType, *, p: Positive, h_partitions: Positive, w_partitions: Positive
) -> Output:
    """Puts windows of ``p`` x ``p`` together again, as an image, of MaxViT.

    ``(N, h_partitions * w_partitions, p*p, C)`` gives
    ``(N, C, h_partitions * p, w_partitions * p)``.
    https://github.com/pytorch/vision/blob/main/torchvision/models/maxvit.py
    """
    require_sizes("window_departition", input, "N, G, P, C")
    batch, windows, length, channels = input.shape
    wanted = h_partitions * w_partitions
    needs = same(
        windows,
        wanted,
        f"{h_partitions} x {w_partitions} are {wanted} windows, but the input {input} has "
        f"{windows}",
        "h_partitions",
    )
    needs += same(
        length,
        p * p,
        f"windows of {p} x {p} have {p * p} values, but those of the input {input} have {length}",
        "p",
    )
    return Output((batch, channels, h_partitions * p, w_partitions * p), needs=needs)


def _quotient(size: Size, p: int) -> Size:
    exact = exact_quotient(size, p)
    return size // p if exact is None else exact
