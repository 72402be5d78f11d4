"""The third room: a Spec becomes a Plan in one walk.

Blocks, repeats and expressions are written out, and each layer is planned as it is met, since
what comes next may depend on the shape that reaches it.
"""

from netspec.expansion.expand import expand, plan_item, plan_layers
from netspec.expansion.inputs import input_types
from netspec.expansion.requirements import report_requirements
from netspec.expansion.unused import report_unused_blocks

__all__ = [
    "expand",
    "input_types",
    "plan_item",
    "plan_layers",
    "report_requirements",
    "report_unused_blocks",
]
