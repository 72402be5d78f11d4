"""Properties that every layer and every spec has, for the tests of netspec and of its plugins.

The strategies are derived from declarations, so a new layer is tested without new code;
``conformance`` is all of it in one line. Needs pytest, hypothesis and torch; nothing else in
netspec imports this.
"""

from netspec.testing.broken import LawBroken
from netspec.testing.cases import Case, Drawn, Opened, cases, opened, spoiled_cases
from netspec.testing.kit import conformance
from netspec.testing.laws import (
    Tolerance,
    agrees_with_torch,
    saves_what_torch_saves,
)
from netspec.testing.leniency import not_on_meta, torch_is_lenient
from netspec.testing.models import specs
from netspec.testing.observation import Observed, TorchRefusal, observe
from netspec.testing.strategies import arguments, dtypes, input_types, legal_values, shapes
from netspec.testing.symbolic import substitutes
from netspec.testing.trees import trees

__all__ = [
    "Case",
    "Drawn",
    "LawBroken",
    "Observed",
    "Opened",
    "Tolerance",
    "TorchRefusal",
    "agrees_with_torch",
    "arguments",
    "cases",
    "conformance",
    "dtypes",
    "input_types",
    "legal_values",
    "not_on_meta",
    "observe",
    "opened",
    "saves_what_torch_saves",
    "shapes",
    "specs",
    "spoiled_cases",
    "substitutes",
    "torch_is_lenient",
    "trees",
]
