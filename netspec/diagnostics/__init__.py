"""Findings about a spec, with positions, notes and fixes."""

from netspec.diagnostics.diagnostic import Advice, Diagnostic, Diagnostics, Line, Note
from netspec.diagnostics.error import SpecError
from netspec.diagnostics.failure import failure
from netspec.diagnostics.fix import Edit, Fix, Instead, apply_fixes, fix
from netspec.diagnostics.location import Location, Source, Span
from netspec.diagnostics.nearest import did_you_mean, listed, nearest, ring, suggestion

__all__ = [
    "Advice",
    "Diagnostic",
    "Diagnostics",
    "Edit",
    "Fix",
    "Instead",
    "Line",
    "Location",
    "Note",
    "Source",
    "Span",
    "SpecError",
    "apply_fixes",
    "did_you_mean",
    "failure",
    "fix",
    "listed",
    "nearest",
    "ring",
    "suggestion",
]
