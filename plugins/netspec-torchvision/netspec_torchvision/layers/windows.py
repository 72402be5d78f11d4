"""Attention in shifted windows, of the Swin transformers."""

from dataclasses import replace
from typing import Annotated

from netspec.plugin import (
    LastSize,
    Need,
    Output,
    Positive,
    Probability,
    Range,
    Refusal,
    Size,
    TensorType,
    at_least,
    ceil_divide,
    layer,
    product,
)
from netspec.sizes import at_least as bound
from netspec_torchvision.layers.common import FLOAT, INDEX, Shapes, linear, require_sizes

Window2d = Annotated[tuple[int, int], Range(1)]
Window3d = Annotated[tuple[int, int, int], Range(1)]
Shift2d = Annotated[tuple[int, int], Range(0)]
Shift3d = Annotated[tuple[int, int, int], Range(0)]

_CPB_HIDDEN = 512  # of the network that makes the second version's position bias


@layer("netspec_torchvision.modules.ShiftedWindowAttention")
def shifted_window_attention(
    input: TensorType,
    *,
    dim: LastSize,
    window_size: Window2d,
    shift_size: Shift2d,
    num_heads: Positive,
    qkv_bias: bool = True,
    proj_bias: bool = True,
    attention_dropout: Probability = 0.0,
    dropout: Probability = 0.0,
) -> Output:
    """Attention in windows of the image, of Swin Transformer: ``(N, H, W, C)`` stays.

    The image is padded to whole windows. ``shift_size`` ``[0, 0]`` shifts nothing.
    https://arxiv.org/abs/2103.14030
    """
    name = "shifted_window_attention"
    require_sizes(name, input, "N, H, W, C")
    table = (_table_length(window_size), num_heads)
    return _attention(
        name,
        input,
        window_size,
        num_heads,
        {
            "relative_position_bias_table": table,
            **linear("qkv", 3 * dim, dim, qkv_bias),
            **linear("proj", dim, dim, proj_bias),
        },
        {"relative_position_index": (_area(window_size) ** 2,)},
        (attention_dropout, dropout),
    )


@layer("netspec_torchvision.modules.ShiftedWindowAttentionV2")
def shifted_window_attention_v2(
    input: TensorType,
    *,
    dim: LastSize,
    window_size: Window2d,
    shift_size: Shift2d,
    num_heads: Positive,
    qkv_bias: bool = True,
    proj_bias: bool = True,
    attention_dropout: Probability = 0.0,
    dropout: Probability = 0.0,
) -> Output:
    """Cosine attention in windows of the image, of Swin Transformer V2: ``(N, H, W, C)`` stays.

    The image is padded to whole windows. A small network makes the position bias.
    https://arxiv.org/abs/2111.09883
    """
    name = "shifted_window_attention_v2"
    require_sizes(name, input, "N, H, W, C")
    if 1 in window_size:
        raise Refusal(
            f"a window of {window_size[0]} x {window_size[1]} makes nan of everything: "
            f"{name} divides places by the window's size less 1",
            argument="window_size",
        )
    table = _table_length(window_size)
    return _attention(
        name,
        input,
        window_size,
        num_heads,
        {
            "logit_scale": (num_heads, 1, 1),
            **linear("qkv", 3 * dim, dim, qkv_bias),
            **linear("proj", dim, dim, proj_bias),
            **linear("cpb_mlp.0", _CPB_HIDDEN, 2),
            **linear("cpb_mlp.2", num_heads, _CPB_HIDDEN, bias=False),
        },
        {
            "relative_coords_table": (1, *(2 * size - 1 for size in window_size), 2),
            "relative_position_index": (_area(window_size) ** 2,),
        },
        (attention_dropout, dropout),
        extra_macs=table * _CPB_HIDDEN * (2 + num_heads),
        is_cosine=True,
        # The hidden values of the network, the bias that it gives, and the scale.
        extra_saved=table * _CPB_HIDDEN + num_heads * (_area(window_size) ** 2 + 1),
    )


@layer("netspec_torchvision.modules.ShiftedWindowAttention3d")
def shifted_window_attention3d(
    input: TensorType,
    *,
    dim: LastSize,
    window_size: Window3d,
    shift_size: Shift3d,
    num_heads: Positive,
    qkv_bias: bool = True,
    proj_bias: bool = True,
    attention_dropout: Probability = 0.0,
    dropout: Probability = 0.0,
) -> Output:
    """Attention in windows of the video, of Video Swin Transformer: ``(N, T, H, W, C)`` stays.

    The video is padded to whole windows; a window shrinks to a size that is smaller.
    https://arxiv.org/abs/2106.13230
    """
    name = "shifted_window_attention3d"
    require_sizes(name, input, "N, T, H, W, C")
    windows = tuple(
        _shrunk(window, size) for window, size in zip(window_size, input.shape[1:-1], strict=True)
    )
    table = (_table_length(window_size), num_heads)
    output = _attention(
        name,
        input,
        windows,
        num_heads,
        {
            "relative_position_bias_table": table,
            **linear("qkv", 3 * dim, dim, qkv_bias),
            **linear("proj", dim, dim, proj_bias),
        },
        {"relative_position_index": (_area(window_size),) * 2},
        (attention_dropout, dropout),
    )
    if windows != window_size:  # a part of the index is copied
        index = product(windows) * product(windows) * INDEX
        output = replace(output, saved_bytes=output.saved_bytes + index)
    return output


def _shrunk(window: int, size: Size) -> Size:
    """The smaller one of the two."""
    if isinstance(size, int):
        return min(window, size)
    if bound(size, window).answer:
        return window
    if bound(window - size, 0).answer:
        return size
    raise Refusal(
        f"whether a window of {window} fits into {size} cannot be decided, "
        "and windows shrink to smaller sizes",
        argument="window_size",
        help="state the least size in `input`: `{shape: [N, 3, T, H, W], T: {min: 16}}`",
    )


def _attention(
    name: str,
    input: TensorType,
    windows: tuple[Size, ...],
    num_heads: int,
    parameters: Shapes,
    buffers: Shapes,
    dropouts: tuple[float, float],
    *,
    is_cosine: bool = False,
    extra_macs: int = 0,
    extra_saved: int = 0,
) -> Output:
    """The windows are as large as they are for this input.

    Args:
        dropouts: of the attention's weights, and of the output.
        extra_saved: further values that are saved for backward, of any input.
    """
    input.require_weights_dtype(name)
    batch, *sizes, dim = input.shape
    assert isinstance(dim, int)
    if dim % num_heads:
        raise Refusal(
            f"the input's last size {dim} cannot be split into {num_heads} heads",
            argument="num_heads",
        )
    needs: tuple[Need, ...] = ()
    for size in sizes:
        needs += at_least(size, 1, f"{name} needs at least one value, but its input is {input}")
    places = batch * product(map(_padded, sizes, windows))
    # For each place: queries, keys, values and the projection; its products with its window.
    macs = places * (4 * dim * dim + product(windows) * (2 * dim)) + extra_macs
    saved = _saved(dim, num_heads, product(windows), dropouts, is_cosine)
    return Output(
        input.shape,
        parameters=parameters,
        buffers=buffers,
        macs=macs,
        needs=needs,
        saved_bytes=(places * saved + extra_saved) * FLOAT,
    )


def _saved(
    dim: int, num_heads: int, window: Size, dropouts: tuple[float, float], is_cosine: bool
) -> Size:
    """The values that are saved for backward, for each place."""
    # The windows' values, queries, keys, values, and what the projection gets. Where there are
    # several heads, keys and values are copied for the products.
    vectors = 5 if num_heads > 1 else 6
    weights: Size = window * num_heads
    saved: Size = 0
    if is_cosine:
        # What is normalised, with two norms each; and the weights before they are scaled.
        vectors = 8 if num_heads > 1 else 7
        saved = 4 * num_heads + weights
    of_weights, of_output = dropouts
    if of_weights:  # a mask, and its product
        weights = weights * 3
    if of_output:
        vectors += 1
    return saved + vectors * dim + weights


def _padded(size: Size, window: Size) -> Size:
    """The size in whole windows; a window that is no number has shrunk to the size."""
    return ceil_divide(size, window) * window if isinstance(window, int) else size


def _area(window_size: tuple[int, ...]) -> int:
    area = product(window_size)
    assert isinstance(area, int)
    return area


def _table_length(window_size: tuple[int, ...]) -> int:
    """How many relative places there are in a window."""
    return _area(tuple(2 * size - 1 for size in window_size))
