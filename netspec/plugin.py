"""Everything that the author of a plugin needs: ``from netspec.plugin import layer, hookimpl``.

Nothing here imports torch, and a plugin's declarations should not either: the class that a layer
makes is named by its dotted path and imported when a model is built.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netspec.declaration import (
    Command,
    Deprecated,
    Exporter,
    Finding,
    FromClass,
    Inferred,
    InitialiserType,
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
    Was,
    Work,
    at_least,
    for_each_dim,
    from_class,
    initialiser,
    last_size,
    layer,
    multiple_of,
    same,
)
from netspec.graph import Application, Graph, Interpreter, Node
from netspec.planning.plan import Plan, PlannedLayer, PlannedScope
from netspec.registry.hookspecs import hookimpl
from netspec.sizes import Size, ceil_divide, exact_quotient, product

if TYPE_CHECKING:
    from netspec.files import OutputFile
    from netspec.placement.layout import Action, Layout, Misplaced
    from netspec.placement.strategy import Strategy, strategy

#: Imported where a plugin uses them: most plugins neither place nor write.
_LATER = {
    "Action": "netspec.placement.layout",
    "Layout": "netspec.placement.layout",
    "Misplaced": "netspec.placement.layout",
    "OutputFile": "netspec.files",
    "Strategy": "netspec.placement.strategy",
    "strategy": "netspec.placement.strategy",
}

__all__ = [
    "Action",
    "Application",
    "Command",
    "Deprecated",
    "Exporter",
    "Finding",
    "FromClass",
    "Graph",
    "Inferred",
    "InitialiserType",
    "Interpreter",
    "LastSize",
    "LayerType",
    "Layout",
    "Misplaced",
    "Need",
    "Node",
    "NotNegative",
    "NotNegative1d",
    "NotNegative2d",
    "NotNegative3d",
    "Output",
    "OutputFile",
    "Plan",
    "PlannedLayer",
    "PlannedScope",
    "Positive",
    "Positive1d",
    "Positive2d",
    "Positive3d",
    "Probability",
    "Range",
    "Refusal",
    "Size",
    "Splits",
    "Strategy",
    "TensorType",
    "Was",
    "Work",
    "at_least",
    "ceil_divide",
    "exact_quotient",
    "for_each_dim",
    "from_class",
    "hookimpl",
    "initialiser",
    "last_size",
    "layer",
    "multiple_of",
    "product",
    "same",
    "strategy",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
