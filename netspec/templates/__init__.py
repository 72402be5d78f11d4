"""Texts with a ``$``: values and expressions, evaluated without ``eval``."""

from netspec.templates.evaluate import EvaluationError, Names, brief, evaluate, truth
from netspec.templates.template import Template, TemplateError, parse_template

__all__ = [
    "EvaluationError",
    "Names",
    "Template",
    "TemplateError",
    "brief",
    "evaluate",
    "parse_template",
    "truth",
]
