"""``torch.nn.MaxUnpool1d`` to ``3d`` whose ``output_size`` is given when they are made."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

Sizes = int | Sequence[int] | None


def _spread(sizes: Sizes, dims: int) -> list[int] | None:
    """One size for each dim."""
    if sizes is None:
        return None
    return [sizes] * dims if isinstance(sizes, int) else list(sizes)


class MaxUnpool1d(nn.MaxUnpool1d):
    """``output_size`` is the length of the pool's input, where the pool has lost a part of it."""

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] | None = None,
        padding: int | tuple[int] = 0,
        output_size: Sizes = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.output_size = _spread(output_size, 1)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: list[int] | None = None
    ) -> Tensor:
        return super().forward(input, indices, output_size or self.output_size)


class MaxUnpool2d(nn.MaxUnpool2d):
    """``output_size`` is the size of the pool's input, where the pool has lost a part of it."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        output_size: Sizes = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.output_size = _spread(output_size, 2)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: list[int] | None = None
    ) -> Tensor:
        return super().forward(input, indices, output_size or self.output_size)


class MaxUnpool3d(nn.MaxUnpool3d):
    """``output_size`` is the size of the pool's input, where the pool has lost a part of it."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] | None = None,
        padding: int | tuple[int, int, int] = 0,
        output_size: Sizes = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.output_size = _spread(output_size, 3)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: list[int] | None = None
    ) -> Tensor:
        return super().forward(input, indices, output_size or self.output_size)
