"""Type hints that many layers share."""

from typing import Annotated

from netspec.declaration.arguments import Range

Positive = Annotated[int, Range(1)]
NotNegative = Annotated[int, Range(0)]
Probability = Annotated[float, Range(0, 1)]

# One number for all dims, or one for each: torch's kernel_size, stride, padding, dilation.
Positive1d = Annotated[int | tuple[int], Range(1)]
Positive2d = Annotated[int | tuple[int, int], Range(1)]
Positive3d = Annotated[int | tuple[int, int, int], Range(1)]
NotNegative1d = Annotated[int | tuple[int], Range(0)]
NotNegative2d = Annotated[int | tuple[int, int], Range(0)]
NotNegative3d = Annotated[int | tuple[int, int, int], Range(0)]


def for_each_dim(value: int | tuple[int, ...], dims: int) -> tuple[int, ...]:
    """``3`` is ``(3, 3)`` for two dims; a tuple is itself."""
    return (value,) * dims if isinstance(value, int) else value
