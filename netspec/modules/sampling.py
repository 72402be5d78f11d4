"""Draws of a distribution that gradients pass through."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Reparameterize(nn.Module):
    """``mu + exp(logvar / 2) * noise``; without noise in evaluation.

    Kingma and Welling (2013), "Auto-Encoding Variational Bayes", https://arxiv.org/abs/1312.6114
    """

    def forward(self, mu: Tensor, logvar: Tensor) -> Tensor:
        if not self.training:
            return mu
        return mu + torch.exp(logvar / 2) * torch.randn_like(mu)
