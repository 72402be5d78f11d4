"""Swin's attention in shifted windows, and the merging of patches."""

from typing import Annotated

from netspec.plugin import (
    Inferred,
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


def _last_size(input: TensorType, written: object = None) -> Size:
    if input.rank != 4:
        raise Refusal(f"windows are of [N, H, W, C], but the input is {input}")
    return input.shape[-1]


Dim = Annotated[Positive, Inferred("the input's last size", _last_size)]
Window = Annotated[tuple[int, int], Range(1)]
Shift = Annotated[tuple[int, int], Range(0)]


@layer("netspec_torchvision.modules.ShiftedWindowAttention")
def shifted_window_attention(
    input: TensorType,
    *,
    dim: Dim,
    window_size: Window,
    shift_size: Shift,
    num_heads: Positive,
    qkv_bias: bool = True,
    proj_bias: bool = True,
    attention_dropout: Probability = 0.0,
    dropout: Probability = 0.0,
) -> Output:
    """Attention within windows that are shifted by ``shift_size``: ``(N, H, W, C)`` stays.

    Liu et al. (2021), "Swin Transformer", https://arxiv.org/abs/2103.14030
    """
    height, width = window_size
    rows = (2 * height - 1) * (2 * width - 1)
    own = {"relative_position_bias_table": (rows, num_heads)}
    parameters = own | _projections(dim, qkv_bias, proj_bias)
    buffers: dict[str, tuple[int, ...]] = {"relative_position_index": ((height * width) ** 2,)}
    return _attention(
        "shifted_window_attention", input, dim, window_size, num_heads, parameters, buffers, 0
    )


@layer("netspec_torchvision.modules.ShiftedWindowAttentionV2")
def shifted_window_attention_v2(
    input: TensorType,
    *,
    dim: Dim,
    window_size: Window,
    shift_size: Shift,
    num_heads: Positive,
    qkv_bias: bool = True,
    proj_bias: bool = True,
    attention_dropout: Probability = 0.0,
    dropout: Probability = 0.0,
) -> Output:
    """Attention within shifted windows, by cosines and a bias of the places: ``(N, H, W, C)``.

    Liu et al. (2021), "Swin Transformer V2", https://arxiv.org/abs/2111.09883
    """
    height, width = window_size
    own: dict[str, tuple[int, ...]] = {"logit_scale": (num_heads, 1, 1)}
    parameters = own | _projections(dim, qkv_bias, proj_bias)
    parameters["cpb_mlp.0.weight"] = (512, 2)
    parameters["cpb_mlp.0.bias"] = (512,)
    parameters["cpb_mlp.2.weight"] = (num_heads, 512)
    buffers: dict[str, tuple[int, ...]] = {
        "relative_coords_table": (1, 2 * height - 1, 2 * width - 1, 2),
        "relative_position_index": ((height * width) ** 2,),
    }
    places = (2 * height - 1) * (2 * width - 1)
    return _attention(
        "shifted_window_attention_v2",
        input,
        dim,
        window_size,
        num_heads,
        parameters,
        buffers,
        places * 512 * (2 + num_heads),
    )


def _projections(dim: int, qkv_bias: bool, proj_bias: bool) -> dict[str, tuple[int, ...]]:
    parameters: dict[str, tuple[int, ...]] = {"qkv.weight": (3 * dim, dim)}
    if qkv_bias:
        parameters["qkv.bias"] = (3 * dim,)
    parameters["proj.weight"] = (dim, dim)
    if proj_bias:
        parameters["proj.bias"] = (dim,)
    return parameters


def _attention(
    name: str,
    input: TensorType,
    dim: int,
    window_size: tuple[int, int],
    num_heads: int,
    parameters: dict[str, tuple[int, ...]],
    buffers: dict[str, tuple[int, ...]],
    more: int,
) -> Output:
    input.require_weights_dtype(name)
    if dim % num_heads:
        raise Refusal(
            f"the input's last size {dim} is no multiple of num_heads {num_heads}",
            argument="num_heads",
        )
    padded = [
        ceil_divide(size, window) * window
        for size, window in zip(input.shape[1:3], window_size, strict=True)
    ]
    places = product((input.shape[0], *padded))
    window = window_size[0] * window_size[1]
    message = f"{name} needs an image, but its input is {input}"
    needs = at_least(input.shape[1], 1, message) + at_least(input.shape[2], 1, message)
    return Output(
        input.shape,
        parameters=parameters,
        buffers=buffers,
        macs=places * (4 * dim * dim + 2 * window * dim) + more,
        needs=needs,
    )


@layer("netspec_torchvision.modules.PatchMergingPad")
def patch_merging_pad(input: TensorType) -> Output:
    """Four neighbours as channels: ``(*, H, W, C)`` gives ``(*, H/2, W/2, 4*C)``, rounded up.

    Liu et al. (2021), "Swin Transformer", https://arxiv.org/abs/2103.14030
    """
    if input.rank < 3:
        raise Refusal(f"patch_merging_pad takes [*, H, W, C], but its input is {input}")
    *batch, height, width, channels = input.shape
    return Output((*batch, (height + 1) // 2, (width + 1) // 2, channels * 4))
