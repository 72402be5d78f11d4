"""Type hints that many layers share."""

from typing import Annotated

from netspec.declaration.arguments import Range
from netspec.declaration.layer_type import Inferred
from netspec.declaration.refusal import Refusal
from netspec.declaration.tensor import TensorType
from netspec.sizes import Size

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


def last_size(input: TensorType, written: object = None) -> Size:
    """The size of the last dim.

    Raises:
        Refusal: the input is a scalar.
    """
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no last size")
    return input.shape[-1]


LastSize = Annotated[Positive, Inferred("the input's last size", last_size)]
