"""The classes of the planted layers; what some of them do wrong is said of each."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Scan(nn.Conv1d):
    """A convolution over sequences."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, 0, dilation, 1, bias)


class Scale(nn.Module):
    """Multiplies and adds; right, as are those that follow up to Square."""

    def __init__(self, factor: float = 2.0, offset: float = 0.5) -> None:
        super().__init__()
        self.factor = factor
        self.offset = offset

    def forward(self, input: Tensor) -> Tensor:
        if not input.is_floating_point():
            raise TypeError("floating-point numbers only")
        return input * self.factor + self.offset


class Positives(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input > 0


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, input: Tensor) -> Tensor:
        return input.clone()


class Halved(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input[..., ::2].clone() if input.ndim else input.clone()


class Square(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        if not input.is_floating_point():
            raise TypeError("floating-point numbers only")
        return input * input


class Kept(nn.Module):
    """Keeps a function that has no name, which cannot be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.function: Callable[[Tensor], Tensor] = lambda input: input.clone()

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input)


class Forgetful(nn.Module):
    """A deepcopy of it has another factor."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = 2

    def forward(self, input: Tensor) -> Tensor:
        return input.clone() if self.factor == 2 else torch.zeros_like(input) - 1

    def __deepcopy__(self, memo: dict[int, Any]) -> Forgetful:
        other = copy.copy(self)
        other.factor = 1
        return other


class Looking(nn.Module):
    """Looks at values, which torch.export cannot trace."""

    def forward(self, input: Tensor) -> Tensor:
        if input.device.type != "meta" and input.numel() and input.flatten()[0] == 3:
            return torch.zeros_like(input)
        return input.clone()


class Overwriting(nn.Module):
    """Writes into its input."""

    def forward(self, input: Tensor) -> Tensor:
        return input.zero_()


class Plain(nn.Module):
    """Keeps a tensor that is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = torch.zeros(1)

    def forward(self, input: Tensor) -> Tensor:
        return input.clone()


class Unfilled(nn.Module):
    """Has a parameter that nothing fills."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4))

    def forward(self, input: Tensor) -> Tensor:
        return input.clone()
