"""The rules: one layer or merge applied to what reaches it, and the Plan that they make up."""

from netspec.planning.plan import (
    Plan,
    PlannedChild,
    PlannedInitRule,
    PlannedLayer,
    PlannedParameter,
    PlannedScope,
    PlannedTie,
    SavedForBackward,
)

__all__ = [
    "Plan",
    "PlannedChild",
    "PlannedInitRule",
    "PlannedLayer",
    "PlannedParameter",
    "PlannedScope",
    "PlannedTie",
    "SavedForBackward",
]
