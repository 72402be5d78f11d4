"""What was meant by an item that the grammar does not have; each function reports what it knows.

The registry of the reader of a spec is not known here: names are those of netspec's own layers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from netspec.advice.arguments import other_name
from netspec.advice.calls import Call, Given
from netspec.advice.layer_names import Meant, meant
from netspec.advice.layers import Site, pasted, rewrite
from netspec.advice.writing import entries_instead, source_text, value_text
from netspec.diagnostics import Fix, Span, fix, listed
from netspec.source import ListNode, MapNode, Node, ScalarNode, TextSource
from netspec.source.nodes import shortened
from netspec.spec import words

if TYPE_CHECKING:
    from netspec.registry import Registry
    from netspec.spec.parser import Parser

Entry = tuple[ScalarNode, Node]

MOST_SHOWN = 70  # letters of what to write; more is said in words

_PRINTED = re.compile(r"\((\w+)\)\Z")
#: What the reserved keys are called elsewhere.
OTHER_KEYS = {
    "bottom": "from",
    "count": "repeat",
    "depends_on": "from",
    "id": "name",
    "if": "when",
    "input": "from",
    "input_from": "from",
    "inputs": "from",
    "label": "name",
    "num": "repeat",
    "number": "repeat",
    "repeats": "repeat",
    "times": "repeat",
}


@cache
def _own() -> Registry:
    from netspec.registry import Registry

    return Registry()


def own_site() -> Site:
    """A place of which nothing is known but netspec's own layers."""
    return Site(_own(), None, {}, lambda layer: True)


def own_layer(name: str) -> Meant | None:
    """The layer of netspec that a name surely stands for."""
    found = meant(name, None, _own())
    return found if found is not None and (found.is_certain or "#" in found.name) else None


# ---- mappings in place of lists


def mapping_of_layers(parser: Parser, node: MapNode) -> bool:
    """Reports a mapping whose keys are layers (``{flatten: , linear: 10}``): it is a list.

    False where it is none, which is for the grammar to read.
    """
    printed = [_PRINTED.match(str(key.value)) for key, _ in node.entries]
    if node.entries and all(printed):
        return _printed_mapping(parser, node)
    keys = [key for key, value in node.entries if _is_no_layer(value)]
    if not keys or any(_known_layer(key) is None for key in keys):
        return False
    if len({key.value for key, _ in node.entries}) < len(node.entries):
        return True  # the reader has reported it, at the key that comes twice
    names = listed([f"`{shortened(str(key.value))}`" for key in keys[:3]])
    what = "is a layer" if len(keys) == 1 else "are layers"
    parser.found.error(
        "bad-layer",
        f"a mapping names its children, but {names} {what}",
        parser.span(keys[0]),
        help=[lambda: as_list(parser.source, node)],
    )
    return True


def _is_no_layer(value: Node) -> bool:
    return isinstance(value, ScalarNode) and type(value.value) is not str


def _known_layer(key: ScalarNode) -> str | None:
    """The layer that a key of a mapping is, not a name that only looks like one (`fc1`)."""
    registered = _own().find(str(key.value))
    return None if registered is None else registered.layer.name


def as_list(source: object, node: MapNode) -> str | Fix:
    """The help that makes items of a list from the entries of a mapping."""
    message = "in a mapping a key is the child's name; a list numbers its layers"
    entries = node.entries
    if not isinstance(source, TextSource):
        return message
    first = entries[0][0]
    span = Span(source, node.start, node.end)
    if source.text[node.start : node.start + 1] == "{":
        inside = source.text[node.start + 1 : node.end - 1]
        edits = [(span, f"[{inside}]")]
        shown = f": `[{inside}]`" if len(inside) <= MOST_SHOWN else ""
        return fix(f"{message}{shown}", *edits)
    edits = [(Span(source, key.start, key.start), "- ") for key, _ in entries]
    # Lines below a key belong to it: they move with it.
    for key, value in entries:
        for match in re.finditer(r"\n(?= *\S)", source.text[key.start : value.end]):
            place = key.start + match.end()
            edits.append((Span(source, place, place), "  "))
    end = max(first.end, entries[0][1].end)
    text = source.text[first.start : end].partition("\n")[0].strip()
    return fix(f"{message}: begin each with `- `, as `- {shortened(text)}`", *edits)


def duplicate_layers(source: object, node: MapNode) -> str | Fix:
    """The help for a key that comes twice; empty where the keys are no layers."""
    if any(_known_layer(key) is None for key, _ in node.entries):
        return ""
    if not any(_is_no_layer(value) for _, value in node.entries):
        return ""
    return as_list(source, node)


def _printed_mapping(parser: Parser, node: MapNode) -> bool:
    """``(0): Linear(in_features=784, out_features=512, bias=True)``, as PyTorch prints it."""
    from netspec.advice.printed import spec_lines

    source = parser.source
    text = source_text(source, node)
    made = spec_lines(text)
    if made is None or not isinstance(source, TextSource) or text.startswith("{"):
        return False
    column = node.start - source.text.rfind("\n", 0, node.start) - 1
    written = ("\n" + " " * column).join(made)
    parser.found.error(
        "bad-layer",
        "this is a model as PyTorch prints it",
        Span(source, node.entries[0][0].start, node.entries[0][0].end),
        help=[fix(f"write `{made[0]}`", (Span(source, node.start, node.end), written))],
    )
    return True


def value_of_name(parser: Parser, key: ScalarNode, node: ScalarNode) -> str | Fix:
    """The help for ``fc1: 512`` in a mapping: a layer of the kind that the name says."""
    found = meant(str(key.value), None, _own())
    if found is None or (not found.is_certain and not found.child):
        return ""
    given = () if node.value is None else (Given(node.value, source_text(parser.source, node)),)
    items = rewrite(Call(str(key.value), given), found, own_site())
    if items is None or len(items.items) != 1:
        return ""
    item = items.items[0]
    text = f"{{{item}}}" if ": " in item else item
    name = source_text(parser.source, key)
    if node.value is None:
        edit = (Span(parser.source, key.end, key.end + 1), f": {text}")
    else:
        edit = (parser.span(node), text)
    return fix(f"write `{name}: {text}`", edit, is_certain=items.is_certain)


# ---- several words in one item


def several(parser: Parser, node: MapNode, parts: Sequence[Entry], key: ScalarNode | None) -> bool:
    """Reports an item that says several things, where it is known what was meant."""
    first, value = parts[0]
    source = parser.source
    by_type = next((part for part in parts if str(part[0].value) in words.TYPE_KEYS), None)
    if by_type is not None and isinstance(by_type[1], ScalarNode):
        return _by_type(parser, node, parts, by_type, key)
    others = [part for part in parts if str(part[0].value) in OTHER_KEYS]
    if others and len(others) == len(parts) - 1:
        for word, _ in others:
            meant_ = OTHER_KEYS[str(word.value)]
            parser.found.error(
                "unknown-key",
                f"there is no key `{word.value}` beside a layer",
                parser.span(word),
                help=[fix(f"write `{meant_}`", (parser.span(word), meant_))],
            )
        return True
    if isinstance(value, ScalarNode) and value.value is None:
        registered = _own().find(str(first.value))
        layer = None if registered is None else registered.layer
        rest = [str(word.value) for word, _ in parts[1:]]
        if layer is not None and all(
            name in layer.arguments or other_name(name, layer.arguments) for name in rest
        ):
            return _too_high(parser, parts)
    if key is not None and all(_is_layer(value) for _, value in parts):
        parser.found.error(
            "several-layers",
            f"{shortened(str(key.value))!r} is a container, whose layers stand under `layers:`",
            parser.span(key),
            help=[under_layers(source, node)],
        )
        return True
    if key is None and len(parts) == len(node.entries):
        return _no_dash(parser, node, parts)
    return False


def _is_layer(value: Node) -> bool:
    if isinstance(value, ScalarNode):
        return isinstance(value.value, str) and own_layer(value.value) is not None
    return True


def _too_high(parser: Parser, parts: Sequence[Entry]) -> bool:
    """Arguments that begin in the column of their layer."""
    first = parts[0][0]
    source = parser.source
    name = str(first.value)
    texts = [f"{word.value}: {source_text(source, value)}" for word, value in parts[1:]]
    if any("\n" in text for text in texts):
        return False
    text = f"{name}: {{{', '.join(texts)}}}"
    span = Span(source, first.start, parts[-1][1].end)
    parser.found.error(
        "several-layers",
        f"the arguments of {name} begin in its column, as if they were layers",
        parser.span(parts[1][0]),
        help=[fix(f"write `{text}`, or indent them deeper than `{name}`", (span, text))],
    )
    return True


def _by_type(
    parser: Parser, node: MapNode, parts: Sequence[Entry], by_type: Entry, key: ScalarNode | None
) -> bool:
    """``{type: linear, out_features: 10}``"""
    source = parser.source
    name = str(by_type[1].value) if isinstance(by_type[1], ScalarNode) else ""
    found = meant(name, None, _own())
    if found is None:
        return False
    given = []
    for word, value in parts:
        if word is by_type[0]:
            continue
        text = source_text(source, value)
        given.append((str(word.value), Given(parser.value(value), text)))  # type: ignore[arg-type]
    items = rewrite(Call(name, (), tuple(given)), found, own_site())
    if items is None or len(items.items) != 1:
        return False
    reserved = [
        f"{word.value}: {source_text(source, value)}"
        for word, value in node.entries
        if str(word.value) in words.RESERVED
    ]
    item = items.items[0]
    if reserved or key is not None:
        text = f"{{{', '.join([*reserved, item if ': ' in item else f'{item}: '])}}}"
        if key is not None and not reserved and ": " not in item:
            text = item
    else:
        text = item
    span = Span(source, node.start, node.end)
    parser.found.error(
        "several-layers",
        f"a layer is the key itself, not the value of `{by_type[0].value}`",
        parser.span(by_type[0]),
        help=[fix(f"write `{item}`", (span, text), is_certain=items.is_certain)],
    )
    return True


def one_by_type(parser: Parser, word: ScalarNode, value: Node, node: MapNode) -> bool:
    """Reports ``{type: relu}``."""
    if str(word.value) not in words.TYPE_KEYS or not isinstance(value, ScalarNode):
        return False
    return isinstance(value.value, str) and _by_type(
        parser, node, [(word, value)], (word, value), None
    )


def _no_dash(parser: Parser, node: MapNode, parts: Sequence[Entry]) -> bool:
    """Two layers in one item: the second has no ``-``."""
    source = parser.source
    if any(own_layer(str(word.value)) is None for word, _ in parts):
        return False
    if not isinstance(source, TextSource):
        return False
    edits = []
    if source.text[node.start : node.start + 1] == "{":
        inside = source.text[node.start + 1 : node.end - 1].strip()
        edits.append((Span(source, node.start, node.end), inside))
        line = source.text[source.text.rfind("\n", 0, node.start) + 1 : node.start]
        if line.strip(" -") == "" and line.strip():
            between = "\n" + " " * line.rfind("-") + "- "
            texts = [
                f"{word.value}: {source_text(source, value)}".rstrip() for word, value in parts
            ]
            edits = [(Span(source, node.start, node.end), between.join(texts))]
    else:
        for word, _ in parts[1:]:
            start = word.start - 2
            if source.text[start : word.start] != "  ":
                return False
            edits.append((Span(source, start, word.start), "- "))
    names = listed([f"`{word.value}`" for word, _ in parts])
    parser.found.error(
        "several-layers",
        f"an item is one layer, but this one says {names}",
        parser.span(parts[1][0]),
        help=[fix("in a list, begin each layer with its own `-`", *edits)],
    )
    return True


# ---- containers


def under_layers(source: object, node: Node) -> str | Fix:
    """The help that puts the layers of a container under ``layers:``."""
    message = "write `layers:` above them"
    if not isinstance(source, TextSource):
        return message
    if source.text[node.start : node.start + 1] in "{[":
        text = source.text[node.start : node.end]
        written = f"{{layers: {text}}}"
        shown = f": `{written}`" if len(written) <= MOST_SHOWN else ""
        span = Span(source, node.start, node.end)
        return fix(f"write them under `layers`{shown}", (span, written))
    column = node.start - source.text.rfind("\n", 0, node.start) - 1
    above = f"layers:\n{' ' * (column + 2)}"
    edits = [(Span(source, node.start, node.start), above)]
    for match in re.finditer(r"\n(?= *[^\s#])", source.text[node.start : node.end].rstrip()):
        place = node.start + match.end()
        edits.append((Span(source, place, place), "  "))
    return fix(message, *edits)


def nested(parser: Parser, word: ScalarNode, value: Node) -> bool:
    """Reports layers under a word that takes none (``sequential: [linear: 10]``)."""
    name = str(word.value)
    if not _holds_layers(value) or _own().find(name) is not None:
        return False
    found = meant(name, None, _own())
    span = parser.span(word)
    if found is not None and found.name in words.PARTS and not found.child:
        parser.found.error(
            "unknown-layer",
            f"{shortened(name)} is not a layer",
            span,
            help=[fix(f"did you mean {found.name}?", (span, found.name))],
        )
        return True
    if found is not None and found.is_certain and not found.child:
        return False
    parser.found.error(
        "unknown-layer",
        f"{shortened(name)} is not a layer, but has layers under it",
        span,
        help=[_named_container(parser, word, value)],
    )
    return True


def _named_container(parser: Parser, word: ScalarNode, value: Node) -> str | Fix:
    source, name = parser.source, value_text(str(word.value))
    message = f"a container has `layers`: `{{name: {name}, layers: ...}}`"
    if not isinstance(source, TextSource):
        return message
    line = source.text[source.text.rfind("\n", 0, word.start) + 1 : word.start]
    if re.fullmatch(r" *(?:- +)+", line):
        written = f"name: {name}\n{' ' * len(line)}layers"
        return fix(message, (parser.span(word), written))
    if line.rstrip()[-1:] in ("[", ","):
        return fix(
            message,
            (parser.span(word), f"{{name: {name}, layers"),
            (Span(source, value.end, value.end), "}"),
        )
    # The one child of a container that has a name: `encoder: {fc: {linear: 10}}`.
    if line.rstrip().endswith("{"):
        start = word.start - 1 - (len(line) - len(line.rstrip()))
        return fix(
            "write `layers:` before it",
            (Span(source, start, start), "{layers: "),
            (Span(source, value.end, value.end), "}"),
        )
    return message


def _holds_layers(value: Node) -> bool:
    if isinstance(value, ListNode):
        return any(isinstance(item, MapNode) for item in value.items)
    return isinstance(value, MapNode) and any(
        isinstance(v, MapNode) or (isinstance(v, ListNode) and _holds_layers(v))
        for _, v in value.entries
    )


# ---- rows of other notations


def row(parser: Parser, node: ListNode) -> bool:
    """Reports a row of ultralytics' models: ``[from, repeats, module, [arguments]]``."""
    if len(node.items) != 4:
        return False
    source, repeats, module, arguments = node.items
    number = isinstance(source, ScalarNode) and type(source.value) is int
    if not (number or _are_numbers(source)) or not isinstance(arguments, ListNode):
        return False
    if not isinstance(repeats, ScalarNode) or type(repeats.value) is not int:
        return False
    if not isinstance(module, ScalarNode) or not isinstance(module.value, str):
        return False
    items = _of_row(parser, module.value, arguments)
    message = "this is a row of ultralytics' models, which says its module third"
    where = parser.span(module)
    if items is None or not number or source[0] != -1:
        names = "{name: a, ...}"
        help = f"give layers names, `{names}`, and take their values with `from: a`"
        parser.found.error("bad-layer", message, where, help=[help])
        return True
    text = items[0] if len(items) == 1 else f"[{', '.join(items)}]"
    if repeats.value > 1:
        inside = text if len(items) == 1 else f"layers: {text}"
        if ": " not in inside:
            inside += ": "
        text = f"{{repeat: {repeats.value}, {inside}}}"
    help_ = fix(f"write `{text}`", (parser.span(node), text))
    parser.found.error("bad-layer", message, where, help=[help_])
    return True


def _are_numbers(node: Node) -> bool:
    return isinstance(node, ListNode) and all(
        isinstance(item, ScalarNode) and type(item.value) is int for item in node.items
    )


def _of_row(parser: Parser, module: str, arguments: ListNode) -> list[str] | None:
    values = [item.value if isinstance(item, ScalarNode) else item for item in arguments.items]
    if module == "Conv":  # a convolution with its norm and activation
        numbers = [value for value in values if type(value) is int and value > 0]
        if not 1 <= len(values) == len(numbers) <= 3:
            return None
        channels, kernel, stride = [*numbers, 1, 1][:3]
        parts = [f"out_channels: {channels}", f"kernel_size: {kernel}"]
        if stride != 1:
            parts.append(f"stride: {stride}")
        if kernel // 2:
            parts.append(f"padding: {kernel // 2}")
        conv = f"conv2d: {{{', '.join(parts)}, bias: false}}"
        return [conv, "batch_norm2d", "silu"]
    if not module.startswith("nn.") or any(isinstance(value, ListNode) for value in values):
        return None
    made = pasted(f"{module}({', '.join(map(repr, values))})", own_site())
    return None if made is None else list(made.items)


# ---- branches and lists of layers


def branches(parser: Parser, word: ScalarNode, node: ListNode) -> bool:
    """Reports branches that are names (``concat: [a, b]``), or layers without their lists."""
    if len(node.items) < 2 or parser.found.is_full:
        return False
    texts = [item.value if isinstance(item, ScalarNode) else None for item in node.items]
    layers_ = [_is_bare_layer(item) for item in node.items]
    source = parser.source
    if all(layers_):
        edits = []
        for item in node.items:
            edits += [(Span(source, item.start, item.start), "[")]
            edits += [(Span(source, item.end, item.end), "]")]
        shown = "], [".join(source_text(source, item) for item in node.items)
        parser.found.error(
            f"bad-{word.value}",
            f"each branch of `{word.value}` is a list of layers",
            parser.span(node),
            help=[fix(f"write `{word.value}: [[{shortened(shown, 60)}]]`", *edits)],
        )
        return True
    if not all(isinstance(text, str) for text in texts) or any(layers_):
        return False
    names = f"from: [{', '.join(map(str, texts))}]"
    span = Span(source, word.start, node.end)
    message = f"write `{{{names}, {word.value}: }}`"
    parser.found.error(
        f"bad-{word.value}",
        f"a branch of `{word.value}` is a list of layers; values are named with `from`",
        parser.span(node),
        help=[lambda: entries_instead(message, source, span, [names, f"{word.value}:"])],
    )
    return True


def _is_bare_layer(node: Node) -> bool:
    """Whether it is a layer as an item is, not a list of them."""
    if isinstance(node, ScalarNode):
        return isinstance(node.value, str) and _own().find(node.value) is not None
    if not isinstance(node, MapNode) or len(node.entries) != 1:
        return False
    key, value = node.entries[0]
    return _known_layer(key) is not None and _is_no_layer(value)


def named_branches(parser: Parser, word: str, node: MapNode) -> str | Fix:
    """The help for ``concat: {left: [...], right: [...]}``."""
    otherwise = f"write `{word}: [[...], [...]]` or `{word}: {{dim: 1, branches: [...]}}`"
    source = parser.source
    texts = [source_text(source, value) for _, value in node.entries]
    if any(not isinstance(value, ListNode) for _, value in node.entries) or not all(texts):
        return otherwise
    if any("\n" in text for text in texts):
        return otherwise
    text = f"[{', '.join(texts)}]"
    return fix(
        f"branches have no names: `{word}: {shortened(text, 60)}`", (parser.span(node), text)
    )


def layers_in_words(parser: Parser, node: ScalarNode) -> str | Fix:
    """The help for ``layers: linear 512, relu``."""
    text = str(node.value) if isinstance(node.value, str) else ""
    items: list[str] = []
    certain = True
    for part in re.split(r"\s*(?:->|=>|\u2192|;|\||,(?![^()]*\)))\s*", text.strip("() ")[:1_000]):
        if not part:
            continue
        found = pasted(part if re.search(r"[\s(:=]", part) else f"{part}()", own_site())
        if found is None:
            return "write for example `[flatten, linear: 10]`"
        items += found.items
        certain = certain and found.is_certain
    if not items:
        return "write for example `[flatten, linear: 10]`"
    written = f"[{', '.join(items)}]"
    return fix(f"write `{written}`", (parser.span(node), written), is_certain=certain)


# ---- mappings that are written as lists or texts


def as_mapping(parser: Parser, node: Node, otherwise: str = "") -> str | Fix:
    """The help for ``params: [width: 64]`` or ``params: width=64``, where names are keys."""
    source = parser.source
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        pairs = [part.partition("=") for part in re.split(r"[,\s]+(?=\w+\s*=)", node.value)]
        if not all(name.strip().isidentifier() and value.strip() for name, _, value in pairs):
            return otherwise
        inside = ", ".join(f"{name.strip()}: {value.strip()}" for name, _, value in pairs)
        return fix(f"write `{{{inside}}}`", (parser.span(node), f"{{{inside}}}"))
    if not isinstance(node, ListNode) or not isinstance(source, TextSource) or not node.items:
        return otherwise
    if not all(isinstance(item, MapNode) and len(item.entries) == 1 for item in node.items):
        return otherwise
    message = "its keys are the names: without the `-`"
    if source.text[node.start : node.start + 1] == "[":
        inside = source.text[node.start + 1 : node.end - 1]
        return fix(f"write `{{{shortened(inside, 60)}}}`", (parser.span(node), f"{{{inside}}}"))
    edits = []
    for item in node.items:
        dash = source.text.rfind("-", 0, item.start)
        edits.append((Span(source, dash, item.start), ""))
    return fix(message, *edits)


def whole_spec(source: object, root: Node) -> str | Fix:
    """The help for a file that is only a list of layers."""
    message = "begin with `netspec: 1`"
    if not isinstance(root, ListNode) or not isinstance(source, TextSource):
        return message
    head = "netspec: 1\ninput: [N, 28, 28]\nlayers:"
    text = source.text[root.start : root.end].rstrip()
    if text.startswith("["):
        return fix(message, (Span(source, root.start, root.start), f"{head} "), is_certain=False)
    edits = [(Span(source, root.start, root.start), f"{head}\n  ")]
    for match in re.finditer(r"\n(?= *[^\s#])", text):
        place = root.start + match.end()
        edits.append((Span(source, place, place), "  "))
    help = "a spec has its layers under `layers`, after `netspec: 1` and `input: [N, 28, 28]`"
    return fix(help, *edits, is_certain=False)
