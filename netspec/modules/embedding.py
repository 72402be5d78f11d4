"""A vector for each place in a sequence."""

from __future__ import annotations

from torch import Tensor, nn


class PositionEmbedding(nn.Embedding):
    """The first ``T`` rows of the table, for an input of ``T`` places: ``(T, embedding_dim)``."""

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__(num_embeddings, embedding_dim)

    def forward(self, input: Tensor) -> Tensor:
        return self.weight[: input.shape[1]]
