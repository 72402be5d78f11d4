"""What torch can count: it addresses a tensor's bytes with int64."""

from __future__ import annotations

from netspec.declaration import Refusal, TensorType
from netspec.sizes import Size, Symbol

MOST_BYTES = 2**63 - 1


def require_countable(type: TensorType, name: str = "") -> None:
    """
    Raises:
        Refusal: a tensor of this type has more bytes than torch can count, whatever its named
            sizes are (but 0).
    """
    count = type.itemsize
    for size in type.shape:
        count *= max(_least(size), 1)
    if count > MOST_BYTES:
        what = f"{name} of {type}" if name else f"a tensor of {type}"
        raise Refusal(f"{what} would take more than 2**63 bytes, which torch cannot count")


def _least(size: Size) -> int:
    """A number that the size is at least, where no named size is 0."""
    if isinstance(size, int):
        return size
    least = size.constant
    for monomial, factor in size.terms.items():
        if factor < 0:
            return 0
        if all(isinstance(atom, Symbol) for atom, _ in monomial):  # a floor may be 0
            least += factor
    return least
