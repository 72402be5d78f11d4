"""A look at the weights of a model that was just built."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

SHOWN = 5


def warn_of_not_finite(model: nn.Module) -> None:
    """Warns of parameters and buffers that hold nan or inf, by their keys."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    wrong = [name for name, tensor in tensors if not _is_finite(tensor)]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        warnings.warn(
            f"these weights are not finite: {', '.join(wrong[:SHOWN])}{more}", stacklevel=2
        )


@torch.no_grad()
def _is_finite(tensor: Tensor) -> bool:
    """From its least and greatest value, which take no further memory and hand nan on."""
    if tensor.is_meta or not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    return bool(torch.isfinite(torch.stack(tensor.aminmax())).all())
