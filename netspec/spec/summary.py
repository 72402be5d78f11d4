"""A spec in one line."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.diagnostics.text import printable
from netspec.spec.spec import Spec

_MOST = 4  # names of a kind


def spec_summary(spec: Spec) -> str:
    """``ResNet: input [N, 3, H, W], 5 items, params width, variants resnet18, resnet34``."""
    inputs = [
        f"{given.name} [{', '.join(str(size) for size in given.shape)}]"
        + ("" if given.dtype == "float32" else f" {given.dtype}")
        for given in spec.inputs
    ]
    count = len(spec.layers.items)
    parts = [f"{spec.name or 'model'}: {', '.join(inputs)}", f"{count} item{'s' * (count != 1)}"]
    for kind, names in (
        ("blocks", [block.name for block in spec.blocks]),
        ("params", [param.name for param in spec.params]),
        ("variants", [variant.name for variant in spec.variants]),
    ):
        if names:
            parts.append(f"{kind} {_some(names)}")
    return printable(", ".join(parts))


def _some(names: Iterable[str]) -> str:
    names = list(names)
    more = [f"and {len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*names[:_MOST], *more])
