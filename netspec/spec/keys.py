"""The reserved keys that stand beside an item's word, or beside ``layers``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.diagnostics import Instead, Line
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.nodes import kind, shortened
from netspec.spec.initialisers import read_init
from netspec.spec.spec import Init, Keys, Layers, Name, Outputs, Part, Written
from netspec.spec.words import SIZE_NAME
from netspec.templates import Template, TemplateError, parse_template

if TYPE_CHECKING:
    from netspec.spec.parser import Parser


def item_keys(parser: Parser, written: dict[str, Node]) -> Keys | None:
    """The reserved keys that few items have."""
    if not written:
        return None
    when: Written = True
    inputs: tuple[Name, ...] = ()
    input_names: tuple[str, ...] = ()
    let: tuple[tuple[str, Written], ...] = ()
    init: Init | None = None
    shape: tuple[Written, ...] | None = None
    freeze: bool | Template | None = None
    for word, node in written.items():
        if word == "when":
            errors = len(parser.found.found)
            when = parser.value(node)
            if len(parser.found.found) > errors:
                when = True
            elif not isinstance(when, bool | Template):
                parser.error(
                    "bad-value",
                    f"`when` takes true, false or an expression, not {kind(node)}",
                    node,
                    _condition(when, parser.value_names),
                )
                when = True
        elif word == "from":
            inputs, input_names = read_from(parser, node)
        elif word == "let":
            let = read_let(parser, node)
        elif word == "shape":
            shape = read_shape(parser, node)
        elif word == "freeze":
            freeze = read_freeze(parser, node)
        else:
            init = read_init(parser, node)
    keys = Keys(when, inputs, let, init, input_names, shape, freeze)
    return None if keys == Keys() else keys


def _condition(value: Written, names: set[str]) -> Line:
    """The help for a ``when`` that is a text: an expression without its ``$``."""
    example = "write for example `when: $(stride > 1)`"
    if not isinstance(value, str):
        return example
    plain = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower())
    if plain:
        return Instead(f"write `{plain}`: in YAML 1.2 `{value}` is a text", plain)
    if value in names:
        return Instead(f"a param is written with a `$`: `${value}`", f"${value}")
    written = f"$({value})"
    if value.isidentifier():
        return example
    try:
        parse_template(written)
    except TemplateError:
        return example
    return Instead(f"a text with a `$` is computed: `{written}`", written, is_certain=False)


def read_from(parser: Parser, node: Node) -> tuple[tuple[Name, ...], tuple[str, ...]]:
    """``from: a``, ``from: [a, b]``, or ``from: {query: a, key: b}`` with the inputs' names."""
    if isinstance(node, MapNode) and not node.entries:
        parser.error("bad-name", "`from` names nothing", node)
    if not isinstance(node, MapNode):
        return parser.names(node, "`from`"), ()
    inputs: list[Name] = []
    names: list[str] = []
    for key, value in node.entries:
        if isinstance(value, ListNode):
            message = f"the input {shortened(str(key.value))} takes one name, not {kind(value)}"
            parser.error("bad-name", message, value)
            continue
        found = parser.names(value, "`from`")
        inputs += found
        names += [str(key.value)] * len(found)
    return tuple(inputs), tuple(names)


def read_freeze(parser: Parser, node: Node) -> bool | Template | None:
    """``freeze: true``, or an expression; None where it is wrong."""
    value = None if isinstance(node, MapNode) else parser.value(node)
    if isinstance(value, bool | Template):
        return value
    parser.error(
        "bad-value",
        f"`freeze` beside an item takes true, false or an expression, not {kind(node)}",
        node,
        "write `freeze: true`; a list of patterns stands at the top of the spec",
    )
    return None


def read_let(parser: Parser, node: Node) -> tuple[tuple[str, Written], ...]:
    """``let: {hidden: $(in_channels * 4)}``"""
    if not isinstance(node, MapNode):
        parser.error(
            "bad-value",
            f"`let` takes a mapping of names to values, not {kind(node)}",
            node,
            "write for example `let: {hidden: $(in_channels * 4)}`",
        )
        return ()
    return tuple(
        (str(key.value), parser.value(value))
        for key, value in node.entries
        if parser.value_name(key)
    )


def read_shape(parser: Parser, node: Node) -> tuple[Written, ...] | None:
    """``shape: [N, 8, "$(H // 2)"]``; None where it is wrong."""
    if not isinstance(node, ListNode):
        parser.error(
            "bad-value",
            f"`shape` takes a list of sizes, not {kind(node)}",
            node,
            "write for example `shape: [N, 8]`",
        )
        return None
    sizes = []
    for item in node.items:
        size = parser.value(item) if isinstance(item, ScalarNode) else None
        is_name = type(size) is str and SIZE_NAME.match(size) is not None
        if is_name or isinstance(size, Template) or (type(size) is int and 0 <= size < 2**63):
            sizes.append(size)
        elif not isinstance(item, ScalarNode) or "$" not in str(item.value):  # else reported
            parser.error(
                "bad-value",
                f"a size is a whole number, a capital name or an expression, not {kind(item)}",
                item,
                'write for example `shape: [N, 8, "$(H // 2)"]`',
            )
    return tuple(sizes) if len(sizes) == len(node.items) else None


def with_scope_keys(
    parser: Parser, part: Part, written: dict[str, tuple[ScalarNode, Node]], word: ScalarNode
) -> Part:
    """The layers of a container with its own ``inputs``, ``outputs``, ``register``."""
    if not isinstance(part, Layers):
        for key, _ in written.values():
            is_from = key.value == "inputs" and len(written) == 1
            parser.error(
                "misplaced-key",
                f"`{key.value}` stands beside `layers`, not beside `{shortened(str(word.value))}`",
                key,
                Instead("what an item takes is named by `from`", "from") if is_from else "",
            )
        return part
    return scope_keys(parser, part, {name: value for name, (_, value) in written.items()})


def scope_keys(parser: Parser, layers: Layers, written: dict[str, Node]) -> Layers:
    """The layers with what stands beside them in an item, a block, or the document."""
    inputs: tuple[str, ...] = ()
    if "inputs" in written:
        inputs = tuple(str(n) for n in parser.names(written["inputs"], "`inputs`"))
    outputs = auxiliary = None
    if "outputs" in written:
        outputs = _outputs(parser, written["outputs"], "`outputs`")
    if "auxiliary" in written:
        auxiliary = _outputs(parser, written["auxiliary"], "`auxiliary`")
    register: tuple[Name, ...] = ()
    if "register" in written:
        register = parser.names(written["register"], "`register`")
    return Layers(layers.items, inputs, outputs, auxiliary, register)


def _outputs(parser: Parser, node: Node, what: str) -> Outputs | None:
    if isinstance(node, MapNode) and node.entries:
        keys = tuple(str(key.value) for key, _ in node.entries)
        names = tuple(name for _, value in node.entries for name in parser.names(value, what)[:1])
        return Outputs(names, keys) if len(names) == len(keys) else None
    names = parser.names(node, what)
    return Outputs(names, None, not isinstance(node, ListNode)) if names else None
