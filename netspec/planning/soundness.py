"""Whether what a rule gives is an Output whose parts are of their types, as a plugin may err."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netspec.declaration import Need, Output, TensorType, Work
from netspec.declaration.tensor import DTYPES
from netspec.diagnostics.failure import shown
from netspec.sizes import Expression, Size


def require_sound(output: Any) -> None:
    """
    Raises:
        TypeError: it is none, or a part of it is not of its type.
    """
    if not isinstance(output, Output):
        raise TypeError(f"it gives {shown(output)}, which is no Output")
    _require_type(
        "its output", TensorType(_sizes("shape", output.shape), output.dtype or "float32")
    )
    for name, other in _items("others", output.others):
        if not isinstance(other, TensorType):
            raise TypeError(f"its output {name} is {shown(other)}, which is no TensorType")
        _require_type(f"its output {name}", other)
    for part in ("parameters", "buffers"):
        for name, shape in _items(part, getattr(output, part)):
            if any(not isinstance(size, int) or size < 0 for size in _sizes(name, shape)):
                raise TypeError(
                    f"{name} has the shape {shown(shape)}, which is not of whole numbers"
                )
    for part in ("macs", "saved_bytes"):
        size = getattr(output, part)
        if not _is_size(size):
            raise TypeError(f"{part} is {shown(size)}, which is no size")
    if not isinstance(output.name, str):
        raise TypeError(f"its name is {shown(output.name)}, which is no text")
    for part, kind in (("needs", Need), ("warnings", str), ("saves", str), ("work", Work)):
        given = getattr(output, part)
        if not isinstance(given, tuple) or any(not isinstance(one, kind) for one in given):
            raise TypeError(f"{part} is {shown(given)}, which is no tuple of {kind.__name__}")
    if output.scratch is not None:
        _require_scratch(output.scratch)
    for one in output.work:
        _require_scratch(one.scratch)
        if not _is_size(one.nbytes) or not _is_size(one.saved_bytes):
            raise TypeError(f"the step {shown(one.output)} of its work has bytes that are no size")


def _require_scratch(scratch: Any) -> None:
    if not isinstance(scratch, tuple) or len(scratch) != 2 or not all(map(_is_size, scratch)):
        raise TypeError(f"scratch is {shown(scratch)}, which is no pair of sizes")


def _items(part: str, values: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(values, Mapping) or any(not isinstance(name, str) for name in values):
        raise TypeError(f"{part} is {shown(values)}, which is no mapping of names")
    return values.items()


def _sizes(what: str, shape: Any) -> tuple[Size, ...]:
    if not isinstance(shape, tuple) or not all(map(_is_size, shape)):
        raise TypeError(f"{what} is {shown(shape)}, which is no tuple of sizes")
    return tuple(shape)


def _is_size(value: object) -> bool:
    return isinstance(value, Expression) or (isinstance(value, int) and not isinstance(value, bool))


def _require_type(what: str, type: TensorType) -> None:
    if type.dtype not in DTYPES:
        raise TypeError(f"{what} holds {shown(type.dtype)}, which is no dtype of torch")
    for size in _sizes(f"the shape of {what}", type.shape):
        if isinstance(size, int) and size < 0:
            raise TypeError(f"{what} has the size {size}, which is less than 0")
