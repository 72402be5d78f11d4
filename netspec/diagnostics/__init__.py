"""What netspec says about a spec: values that are collected, and printed by whoever asked."""

from netspec.diagnostics.diagnostic import Advice, Diagnostic, Diagnostics, Note
from netspec.diagnostics.error import SpecError
from netspec.diagnostics.failure import failure
from netspec.diagnostics.location import Location, Source, Span
from netspec.diagnostics.nearest import did_you_mean, listed, nearest, ring, suggestion

__all__ = [
    "Advice",
    "Diagnostic",
    "Diagnostics",
    "Location",
    "Note",
    "Source",
    "Span",
    "SpecError",
    "did_you_mean",
    "failure",
    "listed",
    "nearest",
    "ring",
    "suggestion",
]
