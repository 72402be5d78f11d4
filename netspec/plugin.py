"""Everything that the author of a plugin needs: ``from netspec.plugin import layer, hookimpl``.

Nothing here imports torch, and a plugin's declarations should not either: the class that a layer
makes is named by its dotted path and imported when a model is built.
"""

from netspec.declaration import (
    Inferred,
    LastSize,
    LayerType,
    Need,
    NotNegative,
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Output,
    Positive,
    Positive1d,
    Positive2d,
    Positive3d,
    Probability,
    Range,
    Refusal,
    Splits,
    TensorType,
    at_least,
    for_each_dim,
    last_size,
    layer,
    multiple_of,
    same,
)
from netspec.registry.hookspecs import hookimpl
from netspec.sizes import Size, ceil_divide, exact_quotient, product

__all__ = [
    "Inferred",
    "LastSize",
    "LayerType",
    "Need",
    "NotNegative",
    "NotNegative1d",
    "NotNegative2d",
    "NotNegative3d",
    "Output",
    "Positive",
    "Positive1d",
    "Positive2d",
    "Positive3d",
    "Probability",
    "Range",
    "Refusal",
    "Size",
    "Splits",
    "TensorType",
    "at_least",
    "ceil_divide",
    "exact_quotient",
    "for_each_dim",
    "hookimpl",
    "last_size",
    "layer",
    "multiple_of",
    "product",
    "same",
]
