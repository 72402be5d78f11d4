"""Plans and diagnostics as tables, HTML and JSON."""

from netspec.render.html import plan_html
from netspec.render.table import plan_summary, plan_table, terminal_width
from netspec.render.values import diagnostic_values, layer_values, plan_values, plugin_values

__all__ = [
    "diagnostic_values",
    "layer_values",
    "plan_html",
    "plan_summary",
    "plan_table",
    "plan_values",
    "plugin_values",
    "terminal_width",
]
