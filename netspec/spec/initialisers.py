"""``init``: how parameters begin.

Which initialisers there are, and what they take, is not known here: that is checked when the model
is planned (``netspec.expansion.initialisers``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.source import MapNode, Node, ScalarNode
from netspec.source.nodes import kind, shortened
from netspec.spec.spec import Init, Initialiser, Origin
from netspec.templates import Template

if TYPE_CHECKING:
    from netspec.spec.parser import Parser


def read_init(parser: Parser, node: Node) -> Init:
    """How the parameters of a layer begin: ``{weight: xavier_uniform, bias: 0}``."""
    if not isinstance(node, MapNode):
        parser.error(
            "bad-value",
            f"`init` takes a mapping of parameters, not {kind(node)}",
            node,
            "write for example `init: {weight: xavier_uniform, bias: 0}`",
        )
        return ()
    read = [(str(key.value), read_initialiser(parser, value, key)) for key, value in node.entries]
    return tuple((name, how) for name, how in read if how is not None)


def read_initialiser(parser: Parser, node: Node, key: ScalarNode) -> Initialiser | None:
    """``xavier_uniform``, ``{normal: {std: 0.02}}``, or a number; ``key`` is the word before it."""
    reported = len(parser.found.found)
    if isinstance(node, ScalarNode):
        value = parser.value(node)
        origin = Origin(parser.source, node, node, None, key)
        if isinstance(value, int | float | Template) and not isinstance(value, bool):
            return Initialiser("constant", (("val", value),), origin=origin)
        if isinstance(value, str) and value:
            return Initialiser(value, origin=origin)
    elif isinstance(node, MapNode) and len(node.entries) == 1:
        word, given = node.entries[0]
        name = str(word.value)
        origin = Origin(parser.source, node, word, given, key)
        if isinstance(given, MapNode):
            arguments = tuple((str(k.value), parser.value(v)) for k, v in given.entries)
            if len(parser.found.found) == reported:
                return Initialiser(name, arguments, origin=origin)
        elif isinstance(given, ScalarNode) and given.value is None:
            return Initialiser(name, origin=origin)  # `zeros:` is `zeros`
        else:
            parser.error(
                "bad-value",
                f"the arguments of {shortened(name)} are a mapping, not {kind(given)}",
                given,
                "write for example `{normal: {std: 0.02}}`",
            )
    if len(parser.found.found) == reported:
        parser.error(
            "bad-value",
            f"how a parameter begins is a name, a number or a mapping, not {kind(node)}",
            node,
            "write for example `zeros`, `0.5` or `{normal: {std: 0.02}}`",
        )
    return None
