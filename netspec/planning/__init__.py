"""The rules: one layer or merge applied to what reaches it, and the Plan that they make up."""

from netspec.planning.plan import (
    Application,
    Condition,
    Parameter,
    Plan,
    PlannedChild,
    PlannedInit,
    PlannedInitialiser,
    PlannedInitRule,
    PlannedInput,
    PlannedLayer,
    PlannedParameter,
    PlannedScope,
    PlannedTie,
    Results,
    SavedForBackward,
    Step,
)

__all__ = [
    "Application",
    "Condition",
    "Parameter",
    "Plan",
    "PlannedChild",
    "PlannedInit",
    "PlannedInitialiser",
    "PlannedInitRule",
    "PlannedInput",
    "PlannedLayer",
    "PlannedParameter",
    "PlannedScope",
    "PlannedTie",
    "Results",
    "SavedForBackward",
    "Step",
]
