"""What torch can count: it addresses a tensor's bytes with int64."""

from __future__ import annotations

from netspec.declaration import Refusal, TensorType

MOST_BYTES = 2**63 - 1
_BYTES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "float16": 2,
    "bfloat16": 2,
    "float64": 8,
    "int64": 8,
    "complex64": 8,
    "complex128": 16,
}


def require_countable(type: TensorType, name: str = "") -> None:
    """
    Raises:
        Refusal: a tensor of this type has more bytes than torch can count, whatever its named
            sizes are (but 0).
    """
    count = _BYTES.get(type.dtype, 4)
    for size in type.shape:
        if isinstance(size, int) and size:
            count *= size
    if count > MOST_BYTES:
        what = f"{name} of {type}" if name else f"a tensor of {type}"
        raise Refusal(f"{what} would take more than 2**63 bytes, which torch cannot count")
