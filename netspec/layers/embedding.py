"""Tables of vectors, looked up by number."""

from typing import Annotated

from netspec.declaration import Output, Positive, Range, TensorType, layer
from netspec.declaration.refusal import Refusal


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
