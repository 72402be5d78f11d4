"""The parts that wire layers of the container around them, and its own parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from netspec.diagnostics import Instead, Line, listed, suggestion
from netspec.operators import MERGES, OPERATORS, Operator
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.nodes import kind, shortened
from netspec.spec.initialisers import read_initialiser
from netspec.spec.spec import (
    Concat,
    Each,
    Initialiser,
    Layer,
    Layers,
    Merge,
    Part,
    RawParameter,
    Residual,
    Scale,
    Split,
    Written,
)
from netspec.templates import Template

if TYPE_CHECKING:
    from netspec.spec.parser import Parser

NO_ITEMS = Layers()
UNREADABLE = Layer("")


def residual(parser: Parser, word: ScalarNode, node: Node) -> Part:
    if not isinstance(node, MapNode) or not any(
        key.value in ("body", "shortcut") for key, _ in node.entries
    ):
        body = parser.layers(node, "`residual`")
        return _with_body(parser, Residual(body), node)
    parts = {"body": NO_ITEMS, "shortcut": NO_ITEMS}
    for key, value in node.entries:
        name = str(key.value)
        if name in parts:
            parts[name] = parser.layers(value, f"`{name}`")
        else:
            parser.error(
                "unknown-key",
                f"`residual` takes `body` and `shortcut`, not {shortened(name)!r}",
                key,
                suggestion(name, parts),
            )
    if not any(key.value == "body" for key, _ in node.entries):
        parser.error(
            "missing-key",
            "`residual` needs a `body`, to whose output the shortcut's is added",
            node,
            "write `residual: {body: [...], shortcut: [...]}`",
        )
        return Residual(NO_ITEMS)
    words = [key.value for key, _ in node.entries]
    shortcut_first = "shortcut" in words and words.index("shortcut") < words.index("body")
    body_node = next(value for key, value in node.entries if key.value == "body")
    return _with_body(parser, Residual(parts["body"], parts["shortcut"], shortcut_first), body_node)


def _with_body(parser: Parser, part: Residual, node: Node) -> Residual:
    if not isinstance(node, ScalarNode) and not node[0]:  # of no items, of no entries
        parser.error(
            "empty-residual",
            "the body of `residual` has no layers",
            node,
            "`residual` adds its input to what its layers give: `residual: [linear: 8, relu]`",
        )
    return part


def scale(parser: Parser, word: ScalarNode, node: Node) -> Part:
    body = parser.layers(node, "`scale`")
    if not body.items and isinstance(node, ListNode | MapNode):
        parser.error(
            "empty-scale",
            "`scale` has no layers",
            node,
            "`scale` multiplies its input by what its layers give: "
            "`scale: [adaptive_avg_pool2d: 1, conv2d: {...}, sigmoid]`",
        )
    return Scale(body)


def concat(parser: Parser, word: ScalarNode, node: Node) -> Part:
    read = _branches(parser, word, node, without=True)
    return UNREADABLE if read is None else Concat(*read)


def split(parser: Parser, word: ScalarNode, node: Node) -> Part:
    read = _branches(parser, word, node, without=False)
    return UNREADABLE if read is None else Split(*read)


def _branches(
    parser: Parser, key_node: ScalarNode, node: Node, *, without: bool
) -> tuple[tuple[Layers, ...], Written] | None:
    """The branches and the dim; without branches, ``from`` says what is joined."""
    word = str(key_node.value)
    dim: Written = 1
    branches: Node | None = node
    if isinstance(node, ScalarNode) and node.value is None and without:
        return (), dim
    if isinstance(node, MapNode):
        branches = None
        known = ("branches", "dim")
        if all(key.value not in known for key, _ in node.entries):
            parser.error(
                f"bad-{word}",
                f"`{word}` needs `branches`, a list of branches without names",
                node,
                lambda: _named_branches(parser, word, node),
            )
            return None
        for key, value in node.entries:
            name = str(key.value)
            if name == "branches":
                branches = value
            elif name == "dim":
                dim = _dim(parser, value)
            else:
                parser.error(
                    "unknown-key",
                    f"`{word}` takes `branches` and `dim`, not {shortened(name)!r}",
                    key,
                    suggestion(name, known),
                )
        if branches is None and without:
            return (), dim
    if not isinstance(branches, ListNode) or not branches.items:
        parser.error(
            f"bad-{word}",
            f"`{word}` needs a list of branches, each a list or a mapping of layers",
            branches or node,
            f"write `{word}: [[...], [...]]`; an empty branch `[]` is the input itself",
        )
        return None
    if _without_lists(parser, key_node, branches):
        return None
    return tuple(parser.layers(branch, "a branch") for branch in branches.items), dim


def _named_branches(parser: Parser, word: str, node: MapNode) -> Line:
    from netspec.advice.items import named_branches

    return named_branches(parser, word, node)


def _without_lists(parser: Parser, word: ScalarNode, node: ListNode) -> bool:
    """Whether branches are names or single layers; it is reported then."""
    if all(isinstance(branch, ListNode) for branch in node.items):
        return False
    from netspec.advice.items import branches

    return branches(parser, word, node)


def _dim(parser: Parser, node: Node) -> Written:
    value = parser.value(node) if isinstance(node, ScalarNode) else None
    if isinstance(value, Template):
        return value
    return parser.whole_number(node, "`dim`", -64, 63, 1)


def merge(parser: Parser, word: ScalarNode, node: Node) -> Part:
    kind_ = str(word.value)
    if isinstance(node, ScalarNode) and node.value is None:
        return Merge(kind_)
    if not isinstance(node, ListNode) or len(node.items) < 2:
        parser.error(
            f"bad-{kind_}",
            f"`{kind_}` needs a list of branches, each a list or a mapping of layers",
            node,
            f"write `{kind_}: [[...], [...]]`, or `{{{kind_}: , from: [a, b]}}`",
        )
        return UNREADABLE
    operator, count = OPERATORS[kind_], len(node.items)
    if not operator.takes(count):
        parser.error(f"bad-{kind_}", f"`{kind_}` has {_number(operator)}, not {count}", node)
        return UNREADABLE
    if _without_lists(parser, word, node):
        return UNREADABLE
    branches = tuple(parser.layers(branch, "a branch") for branch in node.items)
    return Merge(kind_, branches)


def _number(operator: Operator) -> str:
    if operator.least != operator.most:
        return f"at least {operator.least} branches"
    return "two branches" if operator.most == 2 else f"{operator.most} branches"


def each(parser: Parser, word: ScalarNode, node: Node) -> Part:
    example = "write `each: {in: $stages, as: [depth, channels], layers: [...]}`"
    known = ("in", "as", "layers")
    if not isinstance(node, MapNode):
        parser.error(
            "bad-each", f"`each` takes `in`, `as` and `layers`, not {kind(node)}", node, example
        )
        return UNREADABLE
    given = {str(key.value): (key, value) for key, value in node.entries}
    for name, (key, _) in given.items():
        if name not in known:
            message = f"`each` takes {listed([f'`{k}`' for k in known])}, not {shortened(name)!r}"
            parser.error("unknown-key", message, key, suggestion(name, known))
    missing = [name for name in ("in", "layers") if name not in given]
    if missing:
        parser.error(
            "missing-key", f"`each` has no {listed([f'`{m}`' for m in missing])}", node, example
        )
        return UNREADABLE
    entries = parser.value(given["in"][1])
    if not isinstance(entries, tuple | Template):
        help: Line = example
        if type(entries) is int and entries >= 0:
            help = Instead(f"write `$(range({entries}))`", f"$(range({entries}))")
        parser.error(
            "bad-value", f"`in` takes a list, not {kind(given['in'][1])}", given["in"][1], help
        )
        return UNREADABLE
    layers = parser.layers(given["layers"][1], "`layers`")
    names: tuple[str, ...] = ()
    unpacks = False
    if "as" in given:
        as_ = given["as"][1]
        unpacks = isinstance(as_, ListNode)
        scalars = as_.items if isinstance(as_, ListNode) else (as_,)
        for scalar in scalars:
            if not isinstance(scalar, ScalarNode) or type(scalar.value) is not str:
                parser.error("bad-name", f"`as` takes names, not {kind(scalar)}", scalar)
                return UNREADABLE
        read = cast(tuple[ScalarNode, ...], tuple(scalars))
        names = tuple(str(scalar.value) for scalar in read if parser.value_name(scalar))
        if len(names) < len(read):
            return UNREADABLE
    return Each(entries, layers, names, unpacks)


def parameter(parser: Parser, word: ScalarNode, node: Node) -> Part:
    example = "write `parameter: [1, 1, 768]` or `parameter: {shape: [...], init: ones}`"
    init: Initialiser | None = Initialiser("zeros")
    shape: Node | None = node
    if isinstance(node, MapNode):
        given = {str(key.value): (key, value) for key, value in node.entries}
        for name, (key, _) in given.items():
            if name not in ("shape", "init"):
                parser.error(
                    "unknown-key",
                    f"`parameter` takes `shape` and `init`, not {shortened(name)!r}",
                    key,
                    suggestion(name, ("shape", "init")),
                )
        shape = given["shape"][1] if "shape" in given else None
        if "init" in given:
            init = read_initialiser(parser, given["init"][1], given["init"][0])
    if not isinstance(shape, ListNode):
        parser.error(
            "bad-parameter", "`parameter` needs a shape, a list of sizes", shape or node, example
        )
        return UNREADABLE
    sizes = parser.value(shape)
    assert isinstance(sizes, tuple)
    for size, item in zip(sizes, shape.items, strict=True):
        if not isinstance(size, Template) and (type(size) is not int or size < 0):
            parser.error("bad-parameter", f"a size is a whole number, not {kind(item)}", item)
            return UNREADABLE
    return UNREADABLE if init is None else RawParameter(sizes, init)


READERS: Mapping[str, Callable[[Parser, ScalarNode, Node], Part]] = {
    "residual": residual,
    "scale": scale,
    "concat": concat,
    "split": split,
    **dict.fromkeys(MERGES, merge),
    "each": each,
    "parameter": parameter,
}
