"""What initialisers do to a tensor."""

from __future__ import annotations

import math

from torch import Tensor, nn


def depth_scaled_normal_(tensor: Tensor, layers: int, std: float = 0.02) -> Tensor:
    """Fills a tensor in place with N(0, (std / sqrt(2 * layers))**2)."""
    return nn.init.normal_(tensor, 0.0, std / math.sqrt(2 * layers))
