"""Mixtures of experts."""

from functools import reduce

import torch
from torch import Tensor, nn

from netspec_transformer.modules.gated import SwiGLU


class MoEFeedForward(nn.Module):
    """A mixture of ``SwiGLU`` experts, with a router: gives the output and the router's logits.

    ``(*, in_features)`` gives ``(*, in_features)`` and ``(*, num_experts)``. Each place gets the
    ``top_k`` experts with the largest logits, weighted by the softmax of these ``top_k`` logits.

    Every expert computes every place, and those that are not chosen get the weight 0: it costs
    ``num_experts`` experts, not ``top_k``, but no shape depends on values, so that it runs on meta
    and can be exported and compiled whole.

    Jiang et al. (2024), "Mixtral of Experts", https://arxiv.org/abs/2401.04088

    Raises:
        ValueError: ``top_k`` is not from 1 to ``num_experts``.
    """

    def __init__(
        self, in_features: int, hidden_features: int, num_experts: int, top_k: int = 2
    ) -> None:
        super().__init__()
        if not 1 <= top_k <= num_experts:
            raise ValueError(f"top_k is {top_k}, but there are {num_experts} experts")
        self.top_k = top_k
        self.router = nn.Linear(in_features, num_experts, bias=False)
        self.experts = nn.ModuleList(
            SwiGLU(in_features, hidden_features) for _ in range(num_experts)
        )

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        logits: Tensor = self.router(input)
        largest, chosen = logits.topk(self.top_k, dim=-1)
        shares = largest.softmax(dim=-1).to(logits.dtype)  # autocast makes it float32
        weights = torch.zeros_like(logits).scatter(-1, chosen, shares)
        parts = (
            weight * expert(input)
            for weight, expert in zip(torch.split(weights, 1, dim=-1), self.experts, strict=True)
        )
        return reduce(torch.add, parts), logits

    def extra_repr(self) -> str:
        return f"top_k={self.top_k}"
