"""``input:`` — the shape of the model's input, with named sizes and what is known of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from netspec.diagnostics import Diagnostics, Instead, Line, Source, Span, nearest, suggestion
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.nodes import kind, shortened
from netspec.spec.parser import MAX_SIZE, Parser
from netspec.spec.spec import Input, SizeRange
from netspec.spec.words import SIZE_NAME
from netspec.templates import Template

MAX_RANK = 64
DTYPES = (
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "complex64",
    "complex128",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
)
#: How other frameworks write a size that may be any number.
OPEN_SIZES = frozenset({"None", "null", "Null", "NULL", "~", "?", "-1"})
_MORE_NAMES = tuple(f"S{number}" for number in range(MAX_RANK + 1))
_CONDITIONS = ("min", "max", "multiple_of")


def parse_input(node: Node, parser: Parser) -> Input | None:
    """``[N, 28, 28]``, or ``{shape: [N, 3, H, W], dtype: float32, H: {min: 32}}``.

    None when something in it is wrong.
    """
    errors = len(parser.found.found)
    given = _input(node, parser)
    return given if len(parser.found.found) == errors else None


def parse_inputs(node: Node, parser: Parser) -> tuple[Input, ...]:
    """``{tokens: {shape: [N, T], dtype: int64}, image: [N, 3, H, W]}``; none when one is wrong."""
    if not isinstance(node, MapNode) or not node.entries:
        parser.error(
            "bad-input",
            f"`inputs` takes a mapping of names to shapes, not {kind(node)}"
            if not isinstance(node, MapNode)
            else "`inputs` names no input",
            node,
            "write for example `inputs: {left: [N, 8], right: [N, 8]}`",
        )
        return ()
    read: list[Input] = []
    for key, value in node.entries:
        name = parser.child_name(key)
        given = parse_input(value, parser)
        if given is None or not isinstance(name, str):
            return ()
        read.append(replace(given, name=name))
    return tuple(read)


def _input(node: Node, parser: Parser) -> Input:
    source, found = parser.source, parser.found
    if isinstance(node, ListNode):
        return Input(_shape(node, parser))
    span = Span(source, node.start, node.end)
    if not isinstance(node, MapNode):
        found.error(
            "bad-input",
            f"`input` takes a list of sizes, not {kind(node)}",
            span,
            help=[lambda: _as_list(node, "input")],
        )
        return Input(())
    shape: tuple[int | str | Template, ...] = ()
    dtype = "float32"
    sizes: list[SizeRange] = []
    entries = {str(key.value): (key, value) for key, value in node.entries}
    meant = [nearest(name, ("shape", "dtype")) for name in list(entries)[:20] if name != "dtype"]
    if "shape" not in entries and "shape" not in meant:
        help = ["add for example `shape: [N, 3, H, W]`"]
        found.error("bad-input", "`input` needs a `shape`", span, help=help)
    for name, (key, value) in entries.items():
        if name == "shape":
            if isinstance(value, ListNode):
                shape = _shape(value, parser)
            else:
                found.error(
                    "bad-input",
                    f"`shape` takes a list of sizes, not {kind(value)}",
                    Span(source, value.start, value.end),
                    help=[partial(_as_list, value, "shape")],
                )
        elif name == "dtype":
            dtype = _dtype(value, source, found)
        elif SIZE_NAME.match(name):
            sizes.append(_range(name, value, source, found))
        else:
            found.error(
                "unknown-key",
                f"`input` has no key {name!r}: it takes `shape`, `dtype` and named sizes",
                Span(source, key.start, key.end),
                help=[suggestion(name, ("shape", "dtype", *map(str, shape)))],
            )
    for stated in sizes:
        if "shape" in entries and stated.name not in shape:
            key = entries[stated.name][0]
            found.error(
                "unknown-size",
                f"{stated.name} is not among the sizes of the input's shape",
                Span(source, key.start, key.end),
                help=[suggestion(stated.name, [size for size in shape if type(size) is str])],
            )
    return Input(shape, dtype, tuple(sizes))


def _as_list(node: Node, what: str) -> Line:
    from netspec.advice.shapes import listed_sizes

    return listed_sizes(node, what)


def _shape(node: ListNode, parser: Parser) -> tuple[int | str | Template, ...]:
    source, found = parser.source, parser.found
    if len(node.items) > MAX_RANK:
        found.error(
            "bad-input",
            f"a tensor has at most {MAX_RANK} sizes, not {len(node.items)}",
            Span(source, node.start, node.end),
        )
        return ()
    if any(map(_is_open, node.items)):
        named = _with_names(node)
        found.error(
            "bad-input",
            "each size that may be any number has a name of its own",
            Span(source, node.start, node.end),
            notes=["sizes of one name are equal, others may differ"],
            help=[Instead(f"write `{named}`", named, is_certain=False)],
        )
        return ()
    return tuple(_size(item, parser) for item in node.items)


def _is_open(node: Node) -> bool:
    """Whether it is a word of other frameworks for a size that may be any number."""
    value = node.value if isinstance(node, ScalarNode) else 0
    return value is None or value == -1 or (isinstance(value, str) and value in OPEN_SIZES)


def _with_names(node: ListNode) -> str:
    """The shape with a name of its own for each open size: ``[N, 3, H, W]``."""
    rank = len(node.items)
    names = {3: "NTL", 4: "NCHW", 5: "NCDHW"}.get(rank, "NT") if rank > 1 else "N"
    taken = {str(item.value) for item in node.items if isinstance(item, ScalarNode)}
    written = []
    for place, item in enumerate(node.items):
        text = "..." if not isinstance(item, ScalarNode) else shortened(str(item.value))
        if _is_open(item):
            wanted = names[place] if place < len(names) else f"S{place}"
            text = next(name for name in (wanted, *_MORE_NAMES) if name not in taken)
            taken.add(text)
        written.append(text)
    return f"[{', '.join(written)}]"


def _size(node: Node, parser: Parser) -> int | str | Template:
    source, found = parser.source, parser.found
    span = Span(source, node.start, node.end)
    value = node.value if isinstance(node, ScalarNode) else None
    if type(value) is int:
        if 0 <= value <= MAX_SIZE:
            return value
        limit = "0 or more" if value < 0 else "less than 2**63"
        found.error("bad-input", f"a size is {limit}, not {kind(node)}", span)
    elif type(value) is str and SIZE_NAME.match(value):
        return value
    elif type(value) is str and "$" in value:
        read = parser.text(node, value)
        if isinstance(read, Template) or read is None:
            return 1 if read is None else read
        found.error("bad-input", f"a size is a number or a name, not {kind(node)}", span)
    else:
        upper = value[:1].upper() + value[1:] if type(value) is str else ""
        found.error(
            "bad-input",
            f"a size is a whole number or a name with a capital letter (N, H), not {kind(node)}",
            span,
            help=[
                Instead(f"write {upper}", upper)
                if SIZE_NAME.match(upper) and len(upper) < 40
                else ""
            ],
        )
    return 1


def _dtype(node: Node, source: Source, found: Diagnostics) -> str:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, str) and value in DTYPES:
        return value
    word = value if isinstance(value, str) else ""
    found.error(
        "bad-input",
        f"`dtype` takes one of {', '.join(DTYPES)}, not {kind(node)}",
        Span(source, node.start, node.end),
        help=[suggestion(word.removeprefix("torch."), DTYPES)],
    )
    return "float32"


def _range(name: str, node: Node, source: Source, found: Diagnostics) -> SizeRange:
    """``{min: 32, max: 512, multiple_of: 32}``; wrong parts are reported and left out."""
    if not isinstance(node, MapNode):
        found.error(
            "bad-input",
            f"what is known of {name} is a mapping, not {kind(node)}",
            Span(source, node.start, node.end),
            help=[f"write `{name}: {{min: 32, multiple_of: 32}}`, or put a number in the shape"],
        )
        return SizeRange(name)
    values: dict[str, int] = {}
    for key, value in node.entries:
        word = str(key.value)
        if word not in _CONDITIONS:
            found.error(
                "unknown-key",
                f"a size has no condition {word!r}: it takes `min`, `max` and `multiple_of`",
                Span(source, key.start, key.end),
                help=[suggestion(word, _CONDITIONS)],
            )
            continue
        number = value.value if isinstance(value, ScalarNode) else None
        least = 1 if word == "multiple_of" else 0
        if type(number) is not int or not least <= number <= MAX_SIZE:
            found.error(
                "bad-input",
                f"`{word}` takes a whole number >= {least}, not {kind(value)}",
                Span(source, value.start, value.end),
            )
            continue
        values[word] = number
    stated = SizeRange(name, values.get("min"), values.get("max"), values.get("multiple_of", 1))
    _refuse_empty(stated, Span(source, node.start, node.end), found)
    return stated


def _refuse_empty(stated: SizeRange, span: Span, found: Diagnostics) -> None:
    least = -(-(stated.min or 0) // stated.multiple_of) * stated.multiple_of
    if stated.max is not None and stated.max < least:
        found.error(
            "bad-input",
            f"no number fits the conditions of {stated.name}: the least would be {least}, "
            f"the most is {stated.max}",
            span,
        )
