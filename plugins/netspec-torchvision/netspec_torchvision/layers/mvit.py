"""Attention over videos at several scales, of MViT."""

from typing import Annotated

from netspec.plugin import (
    LastSize,
    Output,
    Positive,
    Probability,
    Range,
    Refusal,
    TensorType,
    at_least,
    layer,
    product,
    same,
)
from netspec_torchvision.layers.common import FLOAT, INDEX, Shapes, linear, require_sizes

Triple = tuple[int, int, int]
Sizes3d = Annotated[Triple, Range(1)]
#: As torchvision's, which has no pool where the list is empty.
PerDim = Annotated[tuple[int, ...], Range(1)]


@layer("netspec_torchvision.modules.MultiscaleAttention")
def multiscale_attention(
    input: TensorType,
    *,
    input_size: Sizes3d,
    embed_dim: LastSize,
    output_dim: Positive,
    num_heads: Positive,
    kernel_q: PerDim,
    kernel_kv: PerDim,
    stride_q: PerDim,
    stride_kv: PerDim,
    residual_pool: bool,
    residual_with_cls_embed: bool,
    rel_pos_embed: bool,
    dropout: Probability = 0.0,
    norm_eps: Annotated[float, Range(0)] = 1e-5,
    thw: Sizes3d | None = None,
) -> Output:
    """Attention with pooled queries, keys and values, of MViT.

    ``(N, 1 + T*H*W, embed_dim)``, a class token and a video of ``thw``, gives
    ``(N, 1 + T'*H'*W', output_dim)``, where ``T'`` is ``(T + 2*(k//2) - k)//s + 1`` for k and s of
    ``kernel_q`` and ``stride_q``. An empty list pools nothing. ``input_size`` is the size that
    the relative positions are made for; ``thw`` null is the same.
    https://arxiv.org/abs/2112.01526
    """
    name = "multiscale_attention"
    require_sizes(name, input, "N, 1 + T*H*W, C")
    input.require_weights_dtype(name)
    if output_dim % num_heads:
        raise Refusal(
            f"output_dim {output_dim} cannot be split into {num_heads} heads", argument="num_heads"
        )
    pools_q = _pools("q", kernel_q, stride_q)
    pools_kv = _pools("kv", kernel_kv, stride_kv)
    before = input_size if thw is None else thw
    batch = input.shape[0]
    needs = at_least(batch, 1, f"{name} takes no empty batch, but its input is {input}")
    needs += same(
        input.shape[1],
        1 + _volume(before),
        f"a class token and {_by(before)} values are {1 + _volume(before)}, but the input "
        f"{input} has {input.shape[1]}",
        "input_size" if thw is None else "thw",
    )
    head_dim = output_dim // num_heads
    parameters: Shapes = {}
    if rel_pos_embed:
        parameters = _relative_positions(input_size, stride_q, stride_kv, head_dim)
    parameters |= linear("qkv", 3 * output_dim, embed_dim)
    parameters |= linear("project.0", output_dim, output_dim)
    queries, keys = before, before
    pooled = 0
    if pools_q:
        queries = _pooled(before, kernel_q, stride_q)
        parameters |= _pool("pool_q", head_dim, kernel_q)
        pooled += _volume(queries) * _volume(kernel_q)
    if pools_kv:
        keys = _pooled(before, kernel_kv, stride_kv)
        parameters |= _pool("pool_k", head_dim, kernel_kv) | _pool("pool_v", head_dim, kernel_kv)
        pooled += 2 * _volume(keys) * _volume(kernel_kv)
    macs = (1 + _volume(before)) * embed_dim * 3 * output_dim
    macs += pooled * output_dim
    macs += 2 * (1 + _volume(queries)) * (1 + _volume(keys)) * output_dim
    macs += (1 + _volume(queries)) * output_dim * output_dim
    if rel_pos_embed:
        # Of t by a product of matrices; of h and w by einsum, which has none of a single number.
        counted = keys if head_dim > 1 else keys[:1]
        macs += _volume(queries) * sum(counted) * output_dim
    pools = int(pools_q), 2 * int(pools_kv)
    saved = _saved(_volume(before), _volume(queries), _volume(keys), num_heads, output_dim, pools)
    constant = 0
    if dropout:
        saved += (1 + _volume(queries)) * output_dim
    if rel_pos_embed:
        saved += 3 * _volume(queries) * output_dim
        pairs = sum(q * k for q, k in zip(queries, keys, strict=True))
        constant = pairs * (INDEX + head_dim * FLOAT)
    return Output(
        (batch, 1 + _volume(queries), output_dim),
        parameters=parameters,
        macs=batch * macs,
        needs=needs,
        saves=("input",),
        saved_bytes=batch * saved * FLOAT + constant,
    )


def _saved(
    before: int, queries: int, keys: int, num_heads: int, dim: int, pools: tuple[int, int]
) -> int:
    """The values that are saved for backward, for each video, but for relative positions.

    Args:
        before, queries, keys: how many values there are, besides the class token.
        pools: of queries, and of keys and values.
    """
    # Queries, keys, values and what the projection gets; the weights of the values.
    saved = 2 * (1 + queries) * dim + 2 * (1 + keys) * dim
    saved += num_heads * (1 + queries) * (1 + keys)
    for count, pooled in zip(pools, (queries, keys), strict=True):
        # What a pool gets, and its norm with means and deviations.
        saved += count * (before * dim + (1 + pooled) * (dim + 2 * num_heads))
    return saved


@layer("netspec_torchvision.modules.PoolSkip")
def pool_skip(input: TensorType, *, thw: Sizes3d, stride_q: Sizes3d) -> Output:
    """The largest values, beside an attention with this ``stride_q``, of MViT.

    ``(N, 1 + T*H*W, C)``, a class token and a video of ``thw``, gives ``(N, 1 + T'*H'*W', C)``.
    The kernel is ``s + 1`` for a stride above 1, and the padding half of the kernel.
    https://github.com/pytorch/vision/blob/main/torchvision/models/video/mvit.py
    """
    name = "pool_skip"
    require_sizes(name, input, "N, 1 + T*H*W, C")
    input.require_floating(name)
    message = f"{name} takes nothing empty, but its input is {input}"
    batch, length, channels = input.shape
    needs = at_least(batch, 1, message) + at_least(channels, 1, message)
    needs += same(
        length,
        1 + _volume(thw),
        f"a class token and {_by(thw)} values are {1 + _volume(thw)}, but the input {input} has "
        f"{length}",
        "thw",
    )
    kernel = tuple(stride + 1 if stride > 1 else 1 for stride in stride_q)
    pooled = _volume(_pooled(thw, kernel, stride_q))
    return Output(
        (batch, 1 + pooled, channels),
        needs=needs,
        # The values without the class token, and where the largest ones are.
        saved_bytes=batch * channels * (_volume(thw) * input.itemsize + pooled * INDEX),
    )


@layer("torchvision.models.video.mvit.PositionalEncoding")
def positional_encoding(
    input: TensorType,
    *,
    embed_size: LastSize,
    spatial_size: Annotated[tuple[int, int], Range(1)],
    temporal_size: Positive,
    rel_pos_embed: bool,
) -> Output:
    """Puts a class token before the values, and adds their positions, of MViT.

    ``(N, T*H*W, C)`` gives ``(N, 1 + T*H*W, C)``. With ``rel_pos_embed`` no positions are added:
    the attention has them.
    https://github.com/pytorch/vision/blob/main/torchvision/models/video/mvit.py
    """
    name = "positional_encoding"
    require_sizes(name, input, "N, T*H*W, C")
    input.require_weights_dtype(name)
    batch, length, _ = input.shape
    size = (temporal_size, *spatial_size)
    needs = same(
        length,
        _volume(size),
        f"{_by(size)} are {_volume(size)} values, but the input {input} has {length}",
        "spatial_size",
    )
    parameters: Shapes = {"class_token": (embed_size,)}
    if not rel_pos_embed:
        parameters["spatial_pos"] = (_volume(spatial_size), embed_size)
        parameters["temporal_pos"] = (temporal_size, embed_size)
        parameters["class_pos"] = (embed_size,)
    return Output((batch, length + 1, embed_size), parameters=parameters, needs=needs)


def _pools(which: str, kernel: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether there is a pool of queries, or of keys and values.

    Raises:
        Refusal: a list has neither no numbers nor three, or only one of them is empty.
    """
    for what, numbers in (("kernel", kernel), ("stride", stride)):
        if len(numbers) not in (0, 3):
            raise Refusal(
                f"{what}_{which} takes three numbers, for t, h and w, or none, "
                f"but has {len(numbers)}",
                argument=f"{what}_{which}",
            )
    if _volume(kernel) == _volume(stride) == 1:
        return False
    for what, numbers in (("kernel", kernel), ("stride", stride)):
        if not numbers:
            raise Refusal(
                f"kernel_{which} and stride_{which} go together, but {what}_{which} is empty",
                argument=f"{what}_{which}",
            )
    return True


def _pooled(size: Triple, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Triple:
    t, h, w = (
        (n + 2 * (k // 2) - k) // s + 1 for n, k, s in zip(size, kernel, stride, strict=True)
    )
    return t, h, w


def _pool(name: str, head_dim: int, kernel: tuple[int, ...]) -> Shapes:
    return {
        f"{name}.pool.weight": (head_dim, 1, *kernel),
        f"{name}.norm_act.0.weight": (head_dim,),
        f"{name}.norm_act.0.bias": (head_dim,),
    }


def _relative_positions(
    input_size: Triple, stride_q: tuple[int, ...], stride_kv: tuple[int, ...], head_dim: int
) -> Shapes:
    size = max(input_size[1:])
    strides = [stride[1] if stride else 1 for stride in (stride_q, stride_kv)]
    most = max(size // stride for stride in strides)
    if not most:
        raise Refusal(
            f"rel_pos_embed needs a height or width of {min(strides)}, the stride, but input_size "
            f"is {_by(input_size)}",
            argument="input_size",
        )
    return {
        "rel_pos_h": (2 * most - 1, head_dim),
        "rel_pos_w": (2 * most - 1, head_dim),
        "rel_pos_t": (2 * input_size[0] - 1, head_dim),
    }


def _volume(sizes: tuple[int, ...]) -> int:
    volume = product(sizes)
    assert isinstance(volume, int)
    return volume


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
