"""The second room: nodes become a Spec, what was written, checked for its grammar only.

Which layers exist is not known here, so that the meaning of a text never depends on which
plugins are installed.
"""

from netspec.spec.parser import parse
from netspec.spec.spec import (
    Concat,
    Input,
    Item,
    Layer,
    Layers,
    Origin,
    Part,
    Residual,
    SizeRange,
    Spec,
    Value,
)
from netspec.spec.writer import to_yaml

__all__ = [
    "Concat",
    "Input",
    "Item",
    "Layer",
    "Layers",
    "Origin",
    "Part",
    "Residual",
    "SizeRange",
    "Spec",
    "Value",
    "parse",
    "to_yaml",
]
