"""Numbers that go into a tensor, or are computed with its values: its dtype has to hold them."""

from math import isfinite, isinf

from netspec.declaration.refusal import Refusal

MOST_INT32 = 2**31 - 1
#: The largest number of each dtype, where there is one.
_LARGEST = {
    "float16": 65504.0, "bfloat16": 3.3895313892515355e38, "float32": 3.4028234663852886e38,
    "complex64": 3.4028234663852886e38, "int64": 2**63 - 1, "int32": MOST_INT32,
    "int16": 2**15 - 1, "int8": 127, "uint8": 255,
}  # fmt: skip


def require_held(dtype: str, value: float, argument: str) -> None:
    """
    Raises:
        Refusal: the number is too large for the dtype, or negative where it has no sign.
    """
    largest = _LARGEST.get(dtype)
    if largest is None or (isinf(value) and not dtype.startswith(("int", "uint"))):
        return
    least = 0 if dtype == "uint8" else -largest
    if not least <= value <= largest:
        raise Refusal(f"{dtype} cannot hold {value}", argument=argument)


def require_finite(value: float, argument: str) -> None:
    """
    Raises:
        Refusal: the number is infinite, or none.
    """
    if not isfinite(value):
        raise Refusal(f"{argument} is no finite number", argument=argument)


def require_int32(layer: str, argument: str, *values: int) -> None:
    """For kernels that count in 32 bits.

    Raises:
        Refusal: a number is larger.
    """
    if max(values) > MOST_INT32:
        raise Refusal(
            f"{argument} is {max(values)}, but {layer} computes with at most {MOST_INT32}",
            argument=argument,
        )
