"""Embeddings: lookup tables of vectors."""

from typing import Annotated, Literal

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Range,
    Splits,
    TensorType,
    at_least,
    layer,
    same,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.declaration.tensor import INDICES
from netspec.sizes import Size


@layer("torch.nn.Embedding", splits=Splits(column={"": 1}, row={"": 0}))
def embedding(
    input: TensorType,
    *,
    num_embeddings: Positive,
    embedding_dim: Positive,
    padding_idx: int | None = None,
    max_norm: Annotated[float, Range(0)] | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Output:
    """A vector for each index. Shape: ``(*)`` of int64 or int32 -> ``(*, embedding_dim)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
    """
    _require_numbers("embedding", input)
    _require_among(padding_idx, num_embeddings)
    return Output(
        (*input.shape, embedding_dim),
        dtype="float32",
        parameters={"weight": (num_embeddings, embedding_dim)},
        saves=("input",),
    )


@layer("torch.nn.EmbeddingBag")
def embedding_bag(
    input: TensorType,
    offsets: TensorType | None = None,
    per_sample_weights: TensorType | None = None,
    *,
    num_embeddings: Positive,
    embedding_dim: Positive,
    max_norm: Annotated[float, Range(0)] | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: Literal["sum", "mean", "max"] = "mean",
    sparse: bool = False,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Output:
    """Mean, sum or maximum of the embeddings of each bag of indices.

    ``(B, L)`` of int64 or int32 are ``B`` bags and return ``B, embedding_dim``. Bags in one list
    ``(L)`` begin at ``offsets``; ``per_sample_weights`` weights each index of a sum.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html
    """
    name = "embedding_bag"
    _require_numbers(name, input)
    _require_among(padding_idx, num_embeddings)
    if mode == "max" and (scale_grad_by_freq or sparse):
        argument = "scale_grad_by_freq" if scale_grad_by_freq else "sparse"
        raise Refusal(f"{name} with `mode: max` cannot have {argument}", argument=argument)
    if input.rank not in (1, 2):
        raise Refusal(f"{name} takes bags [B, L] or a list [L] with offsets, not {input}")
    if input.rank == 2 and offsets is not None:
        raise Refusal(f"the bags of {input} are its rows: they have no offsets, but got {offsets}")
    if input.rank == 1 and offsets is None:
        raise Refusal(
            f"{name} does not know where the bags of the list {input} begin",
            help="add offsets: `from: [numbers, offsets]`; or give bags [B, L] of equal length",
        )
    needs: Needs = ()
    saves = ["input"]
    if offsets is None:
        bags = input.shape[0]
        starts = TensorType((bags,), input.dtype)
        needs += at_least(input.shape[1], 1, f"the bags of {input} are empty")
        kept = starts.nbytes
    else:
        starts = offsets
        _require_numbers(name, offsets, "offsets")
        if offsets.rank != 1:
            raise Refusal(f"offsets of {name} are a list [B], not {offsets}")
        bags = offsets.shape[0]
        if include_last_offset:
            bags = bags - 1
        needs += at_least(bags, 1, f"the offsets {offsets} leave {name} no bag")
        kept = 0
        saves.append("offsets")
    if per_sample_weights is not None:
        needs += _weighs(per_sample_weights, input, mode)
        saves.append("per_sample_weights")
    # The bag of each number, the bags' sizes, and what the largest values are.
    places = kept + starts.nbytes
    if mode != "sum" or padding_idx is not None:
        places = places + (input.numel + 1) * starts.itemsize
    largest = bags * (embedding_dim if mode == "max" else 1) * starts.itemsize
    return Output(
        (bags, embedding_dim),
        dtype="float32",
        parameters={"weight": (num_embeddings, embedding_dim)},
        needs=needs,
        saves=tuple(saves),
        saved_bytes=places + largest,
    )


def _weighs(weights: TensorType, input: TensorType, mode: str) -> Needs:
    if mode != "sum":
        raise Refusal(
            f"per_sample_weights are for sums, but the mode of embedding_bag is {mode}",
            argument="mode",
            help="write `mode: sum`",
        )
    weights.require_weights_dtype("embedding_bag")
    message = f"per_sample_weights {weights} must have the shape of the input {input}"
    if weights.rank != input.rank:
        raise Refusal(message)
    return same(weights.shape[0], input.shape[0], message)


def _require_numbers(name: str, input: TensorType, what: str = "input") -> None:
    if input.dtype not in INDICES:
        raise Refusal(
            f"{name} looks up whole numbers, but its {what} holds {input.dtype}",
            help=f"state the dtype: `{what}: {{shape: [N, T], dtype: int64}}`",
            input=f"{{shape: [{', '.join(map(str, input.shape))}], dtype: int64}}",
        )


def _require_among(padding_idx: int | None, num_embeddings: int) -> None:
    if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
        raise Refusal(
            f"padding_idx {padding_idx} is not among the {num_embeddings} embeddings",
            argument="padding_idx",
        )


def _width(input: TensorType, written: object = None) -> Size:
    """The last size of a sequence of vectors; of one of numbers nothing follows.

    Raises:
        Refusal: it has to be written, and is not.
    """
    if input.rank == 3:
        return input.shape[2]
    if isinstance(written, int):
        return written
    raise Refusal(f"embedding_dim cannot be inferred from {input}", help="write embedding_dim")


@layer("netspec.modules.embedding.PositionEmbedding", obvious="num_embeddings")
def position_embedding(
    input: TensorType,
    *,
    num_embeddings: Positive,
    embedding_dim: Annotated[Positive, Inferred("the input's last size", _width)],
) -> Output:
    """Learned position embedding. Shape: ``(N, T)`` or ``(N, T, E)`` -> ``(T, embedding_dim)``.

    The output is usually added to a sequence. ``T`` is at most ``num_embeddings``.
    """
    if input.rank not in (2, 3):
        raise Refusal(f"position_embedding takes [N, T] or [N, T, E], but its input is {input}")
    length = input.shape[1]
    message = f"position_embedding has {num_embeddings} places, but its input is {input}"
    return Output(
        (length, embedding_dim),
        dtype="float32",
        parameters={"weight": (num_embeddings, embedding_dim)},
        needs=at_least(num_embeddings - length, 0, message, "num_embeddings"),
    )
