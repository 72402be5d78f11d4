"""What a ``$`` in a text stands for: values and expressions, evaluated without ``eval``."""

from netspec.templates.evaluate import EvaluationError, Names, evaluate
from netspec.templates.template import Template, TemplateError, has_dollar, parse_template

__all__ = [
    "EvaluationError",
    "Names",
    "Template",
    "TemplateError",
    "evaluate",
    "has_dollar",
    "parse_template",
]
