"""How a layer is declared: one typed function, from which everything else is derived."""

from netspec.declaration.arguments import Argument, Choice, Range, Whole
from netspec.declaration.hints import (
    LastSize,
    NotNegative,
    NotNegative1d,
    NotNegative2d,
    NotNegative3d,
    Positive,
    Positive1d,
    Positive2d,
    Positive3d,
    Probability,
    for_each_dim,
    last_size,
)
from netspec.declaration.layer_type import Inferred, LayerType, imported, layer
from netspec.declaration.output import Need, Output, at_least, multiple_of, same, same_shape
from netspec.declaration.refusal import Refusal
from netspec.declaration.splits import Splits
from netspec.declaration.tensor import TensorType

__all__ = [
    "Argument",
    "Choice",
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
    "Splits",
    "TensorType",
    "Whole",
    "at_least",
    "for_each_dim",
    "imported",
    "last_size",
    "layer",
    "multiple_of",
    "same",
    "same_shape",
]
