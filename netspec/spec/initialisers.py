"""``init``: how parameters begin.

Which initialisers plugins bring is not known here: an unknown name is looked for when the model is
planned (``netspec.expansion.initialisers``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.diagnostics import listed, suggestion
from netspec.source import MapNode, Node, ScalarNode
from netspec.source.nodes import kind, shortened
from netspec.spec.spec import Init, Initialiser, Origin
from netspec.templates import Template

if TYPE_CHECKING:
    from netspec.spec.parser import Parser

#: The functions of torch.nn.init, without their underscore, with their arguments.
INITIALISERS: dict[str, tuple[str, ...]] = {
    "zeros": (),
    "ones": (),
    "eye": (),
    "dirac": ("groups",),
    "constant": ("val",),
    "uniform": ("a", "b"),
    "normal": ("mean", "std"),
    "trunc_normal": ("mean", "std", "a", "b"),
    "xavier_uniform": ("gain",),
    "xavier_normal": ("gain",),
    "kaiming_uniform": ("a", "mode", "nonlinearity"),
    "kaiming_normal": ("a", "mode", "nonlinearity"),
    "orthogonal": ("gain",),
    "sparse": ("sparsity", "std"),
}


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
    read = [(str(key.value), read_initialiser(parser, value)) for key, value in node.entries]
    return tuple((name, how) for name, how in read if how is not None)


def read_initialiser(parser: Parser, node: Node) -> Initialiser | None:
    """``xavier_uniform``, ``{normal: {std: 0.02}}``, or a number."""
    reported = len(parser.found.found)
    if isinstance(node, ScalarNode):
        value = parser.value(node)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Initialiser("constant", (("val", value),))
        if isinstance(value, Template):
            return Initialiser("constant", (("val", value),))
        if isinstance(value, str) and value:
            return Initialiser(value, origin=Origin(parser.source, node, node, None))
    elif isinstance(node, MapNode) and len(node.entries) == 1:
        word, given = node.entries[0]
        name = str(word.value)
        if isinstance(given, MapNode):
            arguments = tuple((str(k.value), parser.value(v)) for k, v in given.entries)
            for (argument, _), (key, _) in zip(arguments, given.entries, strict=True):
                if name in INITIALISERS and argument not in INITIALISERS[name]:
                    parser.error(
                        "unknown-argument",
                        f"{name} has no argument {shortened(argument)!r}",
                        key,
                        suggestion(
                            argument,
                            INITIALISERS[name],
                            f"it takes {listed(INITIALISERS[name]) or 'none'}",
                        ),
                    )
                    return None
            origin = Origin(parser.source, node, word, given)
            return Initialiser(name, arguments, origin=origin)
    if len(parser.found.found) == reported:
        parser.error(
            "bad-value",
            f"how a parameter begins is a name, a number or a mapping, not {kind(node)}",
            node,
            "write for example `zeros`, `0.5` or `{normal: {std: 0.02}}`",
        )
    return None
