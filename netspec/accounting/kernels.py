"""Where an accelerator's kernels keep other things for backward than a cpu's.

The rules of layers are those of the cpu, against which they are tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netspec.declaration import TensorType
from netspec.graph import Application
from netspec.sizes import evaluate, product

Saved = tuple[tuple[str, ...], int]


def saved_by_accelerator(application: Application, inputs: Sequence[TensorType]) -> Saved | None:
    """The names of inputs and outputs that are kept, and further bytes; None is as on a cpu.

    Args:
        inputs: the application's, with whole numbers as sizes.
    """
    of_layer = _KERNELS.get(application.type.name)
    return None if of_layer is None else of_layer(application, inputs[0])


def _rms_norm(application: Application, input: TensorType) -> Saved:
    """One kernel, with a float32 for each row; a cpu computes it in steps."""
    shape = application.arguments["normalized_shape"]
    last = input.shape[-len(shape) :] if isinstance(shape, tuple) else input.shape[-1:]
    rows = evaluate(input.numel, {}) // max(evaluate(product(last), {}), 1)
    return ("input",), rows * 4


def _dropout(application: Application, input: TensorType) -> Saved | None:
    """The mask is of bools; a cpu keeps what it multiplies with."""
    p = application.arguments["p"]
    is_drawn = isinstance(p, float) and 0 < p < 1
    return ((), evaluate(input.numel, {})) if is_drawn else None


_KERNELS: dict[str, Callable[[Application, TensorType], Saved | None]] = {
    "rms_norm": _rms_norm,
    "dropout": _dropout,
}
