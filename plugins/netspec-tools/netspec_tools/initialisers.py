"""Initialisers' declarations; what fills tensors is in ``netspec_tools.filling``."""

from __future__ import annotations

from typing import Annotated

from netspec.plugin import Positive, Range, initialiser


@initialiser("netspec_tools.filling.depth_scaled_normal_")
def depth_scaled_normal(*, layers: Positive, std: Annotated[float, Range(0)] = 0.02) -> None:
    """Normal with ``std / sqrt(2 * layers)``, for what is added to a residual stream.

    Radford et al. (2019), "Language Models are Unsupervised Multitask Learners" (GPT-2), section
    2.3: weights of residual layers are scaled by ``1/sqrt(N)``, with N residual layers, two in each
    block.
    """
