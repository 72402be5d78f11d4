"""Attention in which several heads share their keys and values."""

from netspec.plugin import (
    LastSize,
    Output,
    Positive,
    Probability,
    Refusal,
    Size,
    Splits,
    TensorType,
    Work,
    layer,
)
from netspec_transformer.layers.common import FLOAT, divisors_below, linear
from netspec_transformer.layers.rotary import Theta, require_pairs

_NAME = "grouped_query_attention"


@layer(
    "netspec_transformer.modules.GroupedQueryAttention",
    obvious="num_heads",
    splits=Splits(
        column={"q_proj": 0, "k_proj": 0, "v_proj": 0},
        row={"o_proj": 1},
        divided=("num_heads", "num_kv_heads"),
    ),
)
def grouped_query_attention(
    input: TensorType,
    *,
    embed_dim: LastSize,
    num_heads: Positive,
    num_kv_heads: Positive | None = None,
    head_dim: Positive | None = None,
    bias: bool = False,
    dropout: Probability = 0.0,
    is_causal: bool = False,
    window_size: Positive | None = None,
    rope_theta: Theta | None = None,
) -> Output:
    """Attention of a sequence to itself, with fewer key heads: ``(N, L, embed_dim)`` stays.

    Each of ``num_kv_heads`` heads of keys and values serves ``num_heads / num_kv_heads`` heads of
    queries; null is one for each, and 1 is multi-query attention. ``head_dim`` null is
    ``embed_dim / num_heads``. With ``is_causal`` no place sees a later one, and with
    ``window_size`` only itself and the ``window_size - 1`` before it. With ``rope_theta`` queries
    and keys are turned as by ``rotary_embedding``. The weights are named as Llama's: ``q_proj``,
    ``k_proj``, ``v_proj``, ``o_proj``.

    The multiply-adds are those of all pairs, as torch counts them: also of pairs that
    ``is_causal`` or the window hides, which the kernels may skip or not.

    Ainslie et al. (2023), "GQA", https://arxiv.org/abs/2305.13245; the window is that of Jiang et
    al. (2023), "Mistral 7B", https://arxiv.org/abs/2310.06825
    """
    if input.rank != 3:
        raise Refusal(f"{_NAME} takes [N, L, embed_dim], but its input is {input}")
    input.require_weights_dtype(_NAME)
    kv_heads = num_heads if num_kv_heads is None else num_kv_heads
    _require_groups(num_heads, kv_heads)
    size = _head_size(embed_dim, num_heads, head_dim)
    if window_size is not None and not is_causal:
        raise Refusal(
            f"window_size {window_size} is of the places before, but is_causal is false",
            argument="window_size",
            help="write `is_causal: true` too",
        )
    if rope_theta is not None:
        help = f"write for example `head_dim: {size + 1}`, or no `rope_theta`"
        require_pairs(size, f"the size of a head {size}", "rope_theta", help)
    batch, length, _ = input.shape
    steps = batch * length
    width, kv_width = num_heads * size, kv_heads * size
    if dropout:
        saved = _saved_with_dropout(steps, length, num_heads, size, dropout)
    else:  # queries, keys, values, what they give, and a number for each row of weights
        saved = steps * (2 * width + 2 * kv_width + num_heads)
        if window_size is not None:
            saved = saved + length * length  # the mask, as numbers
    if rope_theta is not None:
        saved = saved + length * size  # the cosines and sines, of half a head each
    return Output(
        input.shape,
        parameters={
            **linear("q_proj", width, embed_dim, bias),
            **linear("k_proj", kv_width, embed_dim, bias),
            **linear("v_proj", kv_width, embed_dim, bias),
            **linear("o_proj", embed_dim, width, bias),
        },
        # The projections; and the products of each pair of places, for the weight and its value.
        macs=steps * (2 * embed_dim * (width + kv_width)) + steps * length * (2 * width),
        saves=("input",),
        saved_bytes=FLOAT * saved,
        work=()
        if dropout or window_size is not None
        else _steps(input, width, kv_width, num_heads, bias, length * size if rope_theta else 0),
    )


def _steps(
    input: TensorType, width: int, kv_width: int, num_heads: int, bias: bool, angles: Size
) -> tuple[Work, ...]:
    """The projections, which are turned by ``angles`` numbers, one kernel, and the last product."""
    batch, length, _ = input.shape
    steps = batch * length
    names = ("weight", "bias") if bias else ("weight",)
    query, key = steps * (FLOAT * width), steps * (FLOAT * kv_width)
    kept = steps * (FLOAT * num_heads)
    work = [
        Work(part, ("input",), size, ("input",), 0, tuple(f"{part}_proj.{one}" for one in names))
        for part, size in (("q", query), ("k", key), ("v", key))
    ]
    met = ("q", "k", "v")
    if angles != 0:
        # Each is multiplied by cosines, then by sines, and the sum is the result.
        work += [
            Work("q turned", ("q",), query, (), FLOAT * angles, (), (query, query)),
            Work("k turned", ("k",), key, scratch=(key, key)),
        ]
        met = ("q turned", "k turned", "v")
    last = tuple(f"o_proj.{one}" for one in names)
    work += [
        Work("attended", met, query, (*met, "attended"), kept),
        Work("output", ("attended",), input.nbytes, ("attended",), 0, last, holds=met),
    ]
    return tuple(work)


def _saved_with_dropout(
    steps: Size, length: Size, num_heads: int, head_dim: int, dropout: float
) -> Size:
    """The values that are kept where no kernel does it in one: weights of all pairs among them."""
    vectors = steps * (4 * num_heads * head_dim)  # keys and values for all heads
    weights = steps * length * num_heads
    if dropout == 1:  # which gives zeros, without a mask
        return vectors + weights * 2 + 1
    return vectors + weights * 3


def _require_groups(num_heads: int, num_kv_heads: int) -> None:
    """
    Raises:
        Refusal: the heads of queries cannot share those of keys equally.
    """
    if num_heads % num_kv_heads:
        nearest = divisors_below(num_heads, num_kv_heads)[0]
        raise Refusal(
            f"{num_heads} heads cannot share {num_kv_heads} heads of keys and values equally: "
            "num_heads must be a multiple of num_kv_heads",
            argument="num_kv_heads",
            help=f"write for example `num_kv_heads: {nearest}`",
        )


def _head_size(embed_dim: int, num_heads: int, head_dim: int | None) -> int:
    """
    Raises:
        Refusal: it is not written, and the heads cannot share the input's last size equally.
    """
    if head_dim is not None:
        return head_dim
    if embed_dim % num_heads:
        nearest = divisors_below(embed_dim, num_heads)[0]
        raise Refusal(
            f"the input's last size {embed_dim} is no multiple of num_heads {num_heads}",
            argument="num_heads",
            help=f"write for example `num_heads: {nearest}`, or a `head_dim`",
        )
    return embed_dim // num_heads
