"""Expressions as other programs write them: ``${width}``, ``{{ width }}``, ``a && b``."""

from __future__ import annotations

import re

from netspec.advice.writing import source_text
from netspec.diagnostics import Instead
from netspec.source import Node
from netspec.templates import Template, TemplateError, parse_template

LONGEST = 400

_RULES: tuple[tuple[str, str], ...] = (
    (r"\$\{\{?\s*([A-Za-z_]\w*)\s*\}?\}", r"$\1"),
    (r"\$?\{\{\s*([A-Za-z_]\w*)\s*\}\}", r"$\1"),
    (r"\$\{([^{}]*)\}", r"$(\1)"),
    (r"\$?\{\{([^{}]*)\}\}", r"$(\1)"),
    (r"\s*&&\s*", " and "),
    (r"\s*\|\|\s*", " or "),
    (r"!(?=[A-Za-z_(])", "not "),
    (r"\^", "**"),
    (r"\(([^()?:]+)\?([^()?:]+):([^()?:]+)\)", r"(\2 if \1 else \3)"),
    (r"\btrue\b", "True"),
    (r"\bfalse\b", "False"),
    (r"\bself\.", ""),
)


def mended_text(text: str) -> str:
    """The text as a template; an empty one where no rule makes it one."""
    if len(text) > LONGEST:
        return ""
    changed = text
    for pattern, new in _RULES:
        changed = re.sub(pattern, new, changed)
        if changed != text and _is_template(changed):
            return re.sub(r" +", " ", changed)
    return ""


def mended_template(source: object, node: Node) -> str | Instead:
    """The help for a text that is no template; empty where nothing is known."""
    text = source_text(source, node)
    found = mended_text(text)
    return Instead(f"write `{found}`", found) if found else ""


def _is_template(text: str) -> bool:
    try:
        return isinstance(parse_template(text.strip("'\"")), Template)
    except TemplateError:
        return False
