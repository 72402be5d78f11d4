"""How a layer is declared: one typed function, from which everything else is derived."""

from netspec.declaration.arguments import Argument, Choice, Range, Whole
from netspec.declaration.class_signature import UnreadableClass
from netspec.declaration.command import Command
from netspec.declaration.deprecation import Deprecated, Was
from netspec.declaration.exporter import Exporter
from netspec.declaration.finding import Finding
from netspec.declaration.from_class import FromClass, from_class
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
from netspec.declaration.initialiser import InitialiserType, initialiser
from netspec.declaration.layer_type import Inferred, LayerType, declared_layers, imported, layer
from netspec.declaration.output import Need, Output, Work, at_least, multiple_of, same, same_shape
from netspec.declaration.refusal import Refusal
from netspec.declaration.splits import Splits
from netspec.declaration.tensor import TensorType

__all__ = [
    "Argument",
    "Choice",
    "Command",
    "Deprecated",
    "Exporter",
    "Finding",
    "FromClass",
    "Inferred",
    "InitialiserType",
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
    "UnreadableClass",
    "Whole",
    "Was",
    "Work",
    "at_least",
    "declared_layers",
    "for_each_dim",
    "from_class",
    "imported",
    "initialiser",
    "last_size",
    "layer",
    "multiple_of",
    "same",
    "same_shape",
]
