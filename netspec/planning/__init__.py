"""The fourth room: shapes, parameters and costs of every layer, before any weight exists."""

from netspec.planning.plan import (
    Application,
    Condition,
    Parameter,
    Plan,
    PlannedChild,
    PlannedInput,
    PlannedLayer,
    PlannedMerge,
    PlannedScope,
)
from netspec.planning.planner import make_plan

__all__ = [
    "Application",
    "Condition",
    "Parameter",
    "Plan",
    "PlannedChild",
    "PlannedInput",
    "PlannedLayer",
    "PlannedMerge",
    "PlannedScope",
    "make_plan",
]
