"""How a layer may be divided over ranks that compute one model together: tensor parallel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Splits(NamedTuple):
    """The parts of a layer that may be divided, each with the dim of its weight that is.

    A part is the name of a ``torch.nn.Linear`` or ``torch.nn.Embedding`` in the layer's module;
    ``""`` is the layer itself. After those of ``column`` each rank has a part of the features,
    those of ``row`` add them up again. A layer that is itself a part may be either, and another
    layer is the other half of the pair. One with inner parts of both is a pair by itself: all its
    parameters are in them, and ``divided`` are those of its arguments (``num_heads``) that each
    rank has its part of, as attributes of the module.

    A pair may drop values between its columns and its rows: ranks draw apart there if its module
    has a dropout of torch's, or a float attribute with ``drop`` in its name.

    Shoeybi et al. (2019), "Megatron-LM", https://arxiv.org/abs/1909.08053
    """

    column: Mapping[str, int] = {}
    row: Mapping[str, int] = {}
    divided: tuple[str, ...] = ()

    @property
    def is_pair(self) -> bool:
        """Whether it takes whole values and gives whole values."""
        return bool(self.column) and bool(self.row) and "" not in self.column
