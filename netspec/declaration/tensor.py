"""What is known of a tensor before it exists."""

from __future__ import annotations

from typing import NamedTuple

from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, product

FLOATING = frozenset({"float32", "float64", "float16", "bfloat16"})
#: The dtypes of embeddings' and offsets' numbers.
INDICES = frozenset({"int64", "int32"})
ITEMSIZES = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2,
    "int8": 1, "uint8": 1, "bool": 1, "complex64": 8, "complex128": 16,
}  # fmt: skip
DTYPES = frozenset(ITEMSIZES)


class TensorType(NamedTuple):
    """The shape and dtype of a tensor; a size is a whole number or an exact expression.

    ``indexed`` are, of indices that a pool gives, the sizes of the image that they are places in.
    """

    shape: tuple[Size, ...]
    dtype: str = "float32"
    indexed: tuple[Size, ...] | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> Size:
        """The number of values, as ``Tensor.numel`` says it."""
        return product(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes of one value."""
        return ITEMSIZES[self.dtype]

    @property
    def nbytes(self) -> Size:
        """The bytes of all values, as ``Tensor.nbytes`` says it."""
        return self.numel * self.itemsize

    @property
    def is_floating(self) -> bool:
        return self.dtype in FLOATING

    def __str__(self) -> str:
        text = f"[{', '.join(str(size) for size in self.shape)}]"
        return text if self.dtype == "float32" else f"{text} {self.dtype}"

    def dim(self, dim: int, argument: str = "dim") -> int:
        """A dim counted from the front; -1 is the last.

        Raises:
            Refusal: the input has no such dim. A scalar counts as one dim, as in torch.
        """
        rank = max(self.rank, 1)
        if not -rank <= dim < rank:
            raise Refusal(
                f"the input {self} has no dim {dim}: dims are from {-rank} to {rank - 1}",
                argument=argument,
            )
        return dim % rank

    def require_floating(self, layer: str) -> None:
        """
        Raises:
            Refusal: the dtype is a whole number's, a bool's or complex.
        """
        if not self.is_floating:
            raise Refusal(f"{layer} takes floating-point numbers, but its input holds {self.dtype}")

    def require_weights_dtype(self, layer: str, dtype: str = "float32") -> None:
        """
        Raises:
            Refusal: the dtype is not that of the layer's weights.
        """
        if self.dtype != dtype:
            raise Refusal(f"the weights of {layer} are {dtype}, but its input holds {self.dtype}")
