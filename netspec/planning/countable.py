"""What torch can count: it addresses a tensor's bytes with int64."""

from __future__ import annotations

from netspec.declaration import Refusal, TensorType

MOST_BYTES = 2**63 - 1


def require_countable(type: TensorType, name: str = "") -> None:
    """
    Raises:
        Refusal: a tensor of this type has more bytes than torch can count, whatever its named
            sizes are (but 0).
    """
    count = type.itemsize
    for size in type.shape:
        if isinstance(size, int) and size:
            count *= size
    if count > MOST_BYTES:
        what = f"{name} of {type}" if name else f"a tensor of {type}"
        raise Refusal(f"{what} would take more than 2**63 bytes, which torch cannot count")
