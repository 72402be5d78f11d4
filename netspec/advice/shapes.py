"""The input's shape as other programs write it: ``(N, 28, 28)``, ``N x 28 x 28``, ``784``."""

from __future__ import annotations

import re

from netspec.advice.calls import Unknown, read_values
from netspec.diagnostics import Instead
from netspec.source import Node, ScalarNode
from netspec.spec.words import SIZE_NAME

MOST_LETTERS = 200


def listed_sizes(node: Node, what: str) -> str | Instead:
    """The help for a shape that is no list."""
    otherwise = f"write `{what}: [N, 28, 28]`: capital names are sizes that may be any number"
    value = node.value if isinstance(node, ScalarNode) else None
    if type(value) is int and value > 0:
        shape = f"[N, {value}]"
        return Instead(f"write `{what}: {shape}`, with its batch size", shape, is_certain=False)
    if not isinstance(value, str) or len(value) > MOST_LETTERS:
        return otherwise
    text = re.sub(r"^(?:torch\.)?(?:Size|shape|Tensor|zeros|randn)?\s*(?=[(\[])", "", value)
    text = text.strip().removeprefix("(").removesuffix(")").strip("[] ")
    text = re.sub(r"\s*(?:[x*;]|\u00d7)\s*(?=[\w-])(?<=[\s\d\u00d7*;x])", ", ", text)
    text = re.sub(r"(?<=\w)\s+(?=\w)", ", ", text)
    values = read_values(text) or ()
    sizes = [size_name(each) for each in values]
    if not sizes or "" in sizes:
        return otherwise
    shape = f"[{', '.join(sizes)}]"
    return Instead(f"write `{what}: {shape}`", shape)


def size_name(value: object) -> str:
    """A size as a spec writes it; an empty text where it is none."""
    if type(value) is int and value >= 0:
        return str(value)
    if value is None or (type(value) is int and value < 0):
        return "N"
    if isinstance(value, Unknown):
        name = value.name[:1].upper() + value.name[1:]
        return name if SIZE_NAME.match(name) else ""
    return ""
