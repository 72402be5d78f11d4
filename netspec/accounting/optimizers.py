"""What torch's optimizers keep beside the parameters, and need in a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Optimizer(NamedTuple):
    """``copies`` are tensors like the parameter, ``scalars`` float32 numbers of each parameter.

    ``together`` are the copies of all parameters that a step makes at once where it computes with
    lists of tensors (``foreach``), ``one_by_one`` those of one parameter where it does not.
    """

    copies: int
    scalars: int
    together: int
    one_by_one: int

    def state(self, values: Sequence[tuple[int, int]]) -> int:
        """The bytes of the state, for each parameter's number of values and their itemsize."""
        return sum(numel * size * self.copies + 4 * self.scalars for numel, size in values)

    def in_step(self, values: Sequence[tuple[int, int]], foreach: bool) -> int:
        """The most bytes that a step makes beside the state."""
        each = [numel * size for numel, size in values]
        return sum(each) * self.together if foreach else max(each, default=0) * self.one_by_one


#: https://github.com/pytorch/pytorch/tree/main/torch/optim: `adam.py` keeps two averages and a
#: step, and makes the square root of one (one by one, also what it is divided by).
OPTIMIZERS = {
    "sgd": Optimizer(0, 0, 0, 0),
    "sgd_momentum": Optimizer(1, 0, 0, 0),
    "rmsprop": Optimizer(1, 1, 1, 1),
    "adagrad": Optimizer(1, 1, 2, 2),
    "adam": Optimizer(2, 1, 1, 2),
    "adamw": Optimizer(2, 1, 1, 2),
}
