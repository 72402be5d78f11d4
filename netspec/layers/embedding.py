"""Tables of vectors, looked up by number."""

from typing import Annotated

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Range,
    TensorType,
    at_least,
    layer,
)
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size


@layer("torch.nn.Embedding")
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
    """A vector for each whole number: ``(*)`` of int64 or int32 gives ``(*, embedding_dim)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
    """
    if input.dtype not in ("int64", "int32"):
        raise Refusal(
            f"embedding looks up whole numbers, but its input holds {input.dtype}",
            help="state the input's dtype: `input: {shape: [N, T], dtype: int64}`",
        )
    if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
        raise Refusal(
            f"padding_idx {padding_idx} is not among the {num_embeddings} embeddings",
            argument="padding_idx",
        )
    return Output(
        (*input.shape, embedding_dim),
        dtype="float32",
        parameters={"weight": (num_embeddings, embedding_dim)},
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
    """A vector for each place: ``(N, T)`` or ``(N, T, E)`` gives ``(T, embedding_dim)``.

    Added to a sequence it says where each vector stands. There are ``num_embeddings`` places.
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


LAYERS = (
    embedding,
    position_embedding,
)
