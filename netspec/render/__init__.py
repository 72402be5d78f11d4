"""Plans and diagnostics for readers: a table for people, plain values for programs."""

from netspec.render.table import plan_table
from netspec.render.values import diagnostic_values, layer_values, plan_values, plugin_values

__all__ = [
    "diagnostic_values",
    "layer_values",
    "plan_table",
    "plan_values",
    "plugin_values",
]
