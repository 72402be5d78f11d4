"""Nodes to items: the grammar of layers and of what stands beside them.

A list numbers, a mapping names. An item has exactly one key that is not reserved; that key says
what it is. Every finding is reported and reading goes on, so that one run shows all of them.
"""

from __future__ import annotations

import re

from netspec.diagnostics import Advice, Diagnostics, Instead, Line, Source, Span, listed
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.limits import MAX_NODES
from netspec.source.nodes import kind, shortened, written
from netspec.spec import beside, words
from netspec.spec.keys import item_keys, with_scope_keys
from netspec.spec.spec import (
    Item,
    Layer,
    Layers,
    LayerTemplate,
    Name,
    Origin,
    Part,
    Pass,
    Use,
    Written,
)
from netspec.templates import Template, TemplateError, parse_template

NO_ITEMS = Layers()
UNREADABLE = Layer("")
MAX_SIZE = 2**63 - 1  # torch's sizes are int64
MAX_ARGUMENTS = 200
MAX_WORD = 100  # a key of YAML has at most 1,024 letters, and to_yaml escapes one by ten
VALUE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
#: Names that have a meaning in every expression.
BUILT_IN = frozenset({"in_channels", "in_features", "shape", "index", "True", "False", "None"})


class TooLarge(Exception):
    """Reading ends, as the expressions are too many; it is reported."""


class Parser:
    """Reads the nodes of one source."""

    def __init__(self, source: Source, found: Diagnostics) -> None:
        self.source = source
        self.found = found
        # Equal layers are one value, so that later stages check each different layer once.
        self.layers_seen: dict[object, Layer | LayerTemplate] = {}
        self.templates: dict[str, Template | str] = {}
        self.templates_met = 0
        self.depth = self.deepest = 0  # containers in containers, and lists in values
        self.expression_nodes = 0
        self.value_names: set[str] = set()  # of params and the like, read so far

    def span(self, node: Node) -> Span:
        return Span(self.source, node.start, node.end)

    def error(self, code: str, message: str, node: Node, *help: Advice) -> None:
        self.found.error(code, message, self.span(node), help=help)

    # ---- containers

    def layers(self, node: Node, what: str) -> Layers:
        """A list of items, or a mapping of named ones."""
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        if isinstance(node, ListNode):
            items = [self.item(child, None) for child in node.items]
        elif isinstance(node, MapNode):
            if self.is_list_of_layers(node):
                keys = {key.value: (value, key) for key, value in reversed(node.entries)}
                return Layers(tuple([self.lost(*both) for both in keys.values()]))
            first = {key.value: value for key, value in reversed(node.entries)}
            # A key that comes again is reported already.
            items = [self.item(v, key) for key, v in node.entries if v is first[key.value]]
        else:
            message = f"{what} takes a list or a mapping of layers, not {kind(node)}"
            self.error("bad-layers", message, node, lambda: _layers_in_words(self, node))
            items = []
        self.depth -= 1
        return Layers(tuple(items))

    def item(self, node: Node, key: ScalarNode | None) -> Item:
        """One item of a list (``key`` None) or of a mapping, whose key is its name."""
        name = None if key is None else self.child_name(key)
        part: Part
        if isinstance(node, ScalarNode):
            if type(node.value) is str:
                part = self.layers_seen.get(node.value) or self.part(node, None)
            else:
                part, name = self.no_layer(node, key), None
            return Item(part, name, origin=Origin(self.source, node, node, None, key))
        if isinstance(node, ListNode):
            origin = Origin(self.source, node, key or node, None, key)
            if len(node.items) == 4 and self.is_row(node):
                return Item(UNREADABLE, name, origin=origin)
            return Item(self.layers(node, "a container"), name, origin=origin)
        if len(node.entries) == 1 and node.entries[0][0].value not in words.RESERVED:
            word, value = node.entries[0]
            part = self.part(word, value, node)
            return Item(part, name, origin=Origin(self.source, node, word, value, key))
        return self.keyed_item(node, key, name)

    def lost(self, node: Node, key: ScalarNode) -> Item:
        """An item that is part of a mistake which is reported as a whole."""
        origin = Origin(self.source, node, key, None, key)
        return Item(UNREADABLE, str(key.value) or None, origin=origin)

    def is_list_of_layers(self, node: MapNode) -> bool:
        """Whether the keys of a mapping are layers, not names; it is reported then."""
        for key, value in node.entries:
            if str(key.value).startswith("(") or (
                isinstance(value, ScalarNode) and type(value.value) is not str
            ):
                from netspec.advice.items import mapping_of_layers

                return mapping_of_layers(self, node)
        return False

    def is_row(self, node: ListNode) -> bool:
        """Whether a list is a row of another notation; it is reported then."""
        if not isinstance(node.items[3], ListNode):
            return False
        from netspec.advice.items import row

        return row(self, node)

    def no_layer(self, node: ScalarNode, key: ScalarNode | None) -> Layer:
        if node.value is None and key is not None:
            self.error(
                "missing-layer",
                f"{shortened(str(key.value))!r} names a child but says no layer",
                key,
                lambda: _named_layer(self, key, node, is_empty=True),
            )
        elif key is not None:
            name = shortened(str(key.value))
            self.error(
                "bad-layer",
                f"{name!r} names a child, but {kind(node)} is not a layer",
                node,
                lambda: _named_layer(self, key, node),
            )
        else:
            self.error(
                "bad-layer",
                f"a layer is a name or a mapping, not {kind(node)}",
                node,
                "write for example `relu` or `linear: 10`",
            )
        return UNREADABLE

    def keyed_item(self, node: MapNode, key: ScalarNode | None, name: Name | None) -> Item:
        """An item with reserved keys beside the word that says what it is."""
        parts: list[tuple[ScalarNode, Node]] = []
        scope: dict[str, tuple[ScalarNode, Node]] = {}
        reserved: dict[str, tuple[ScalarNode, Node]] = {}
        for word, value in node.entries:
            text = str(word.value)
            if text == "name" and key is not None:
                self.error(
                    "name-twice",
                    f"this child has its name from the mapping: {shortened(str(key.value))!r}",
                    word,
                    lambda: _without_name(self, node),
                )
            if text in words.ITEM_KEYS:
                reserved[text] = (word, value)
            elif text in words.SCOPE_KEYS:
                scope[text] = (word, value)
            elif text in words.RESERVED_LATER:
                self.later(text, word)
            else:
                parts.append((word, value))
        part: Part = UNREADABLE
        origin = Origin(self.source, node, key or node, None, key)
        if len(parts) == 1:
            word, value = parts[0]
            part = self.part(word, value)
            origin = Origin(self.source, node, word, value, key)
            if scope:
                part = with_scope_keys(self, part, scope, word)
        elif not parts and "from" in reserved and not scope:
            part = Pass()
        else:
            self.not_one_part(node, parts, key)
        if part is not UNREADABLE:
            self.refuse_idle(part, origin, reserved)
        return self.with_keys(part, name, origin, {k: v for k, (_, v) in reserved.items()})

    def refuse_idle(
        self, part: Part, origin: Origin, reserved: dict[str, tuple[ScalarNode, Node]]
    ) -> None:
        """Reports, and takes away, reserved keys that have no effect beside the item."""
        kind_ = beside.kind_of(part)
        for text in [text for text in reserved if not beside.has_effect(text, kind_)]:
            word, _ = reserved.pop(text)
            message = beside.message(text, kind_, shortened(str(origin.word[0])))
            self.error("misplaced-key", message, word, beside.advice(text, kind_))

    def with_keys(
        self, part: Part, name: Name | None, origin: Origin, reserved: dict[str, Node]
    ) -> Item:
        """The item with the values of its reserved keys, read in the order of the text."""
        repeat: int | Template | None = None
        device: Name | None = None
        others: dict[str, Node] = {}
        for text, value in reserved.items():
            if text == "name":
                name = self.child_name(value)
            elif text == "repeat":
                repeat = self.repeat(value)
            elif text == "device":
                device = self.device(value)
            else:
                others[text] = value
        return Item(part, name, repeat, device, item_keys(self, others), origin=origin)

    def later(self, word: str, key: ScalarNode) -> None:
        self.error(
            "not-yet",
            f"`{word}` is kept for a later version of the language; this netspec cannot read it",
            key,
        )

    def not_one_part(
        self, node: MapNode, parts: list[tuple[ScalarNode, Node]], key: ScalarNode | None
    ) -> None:
        if len(parts) > 1 and not self.found.is_full:
            from netspec.advice.items import several

            if several(self, node, parts, key):
                return
        if not parts:
            self.error(
                "missing-layer",
                "this item says no layer",
                node,
                "beside the reserved keys it needs one key such as `linear: 10` or `layers: [...]`",
            )
            return
        names = [shortened(str(word.value)) for word, _ in parts]
        if key is not None:
            inner = f"{{layers: {{{names[0]}: ...}}}}"
            help = [f"named layers stand under `layers:`: `{shortened(str(key.value))}: {inner}`"]
        else:
            help = ["in a list, begin each layer with its own `-`"]
        argument = parts[1][1]
        if isinstance(argument, ScalarNode) and isinstance(argument.value, int | float):
            inside = f"{names[1]}: {written(argument)}"
            help.append(f"arguments go inside the layer: `{names[0]}: {{..., {inside}}}`")
        message = f"an item is one layer, but this one says {listed([f'`{n}`' for n in names])}"
        self.error("several-layers", message, parts[1][0], *help)

    # ---- what an item is

    def part(self, word: ScalarNode, value: Node | None, item: MapNode | None = None) -> Part:
        text = str(word.value)
        if text in words.PARTS:
            return self.word_of_the_language(word, text, value)
        if text in words.RESERVED:
            self.error("reserved-word", f"`{text}` is a word of the language, not a layer", word)
            return UNREADABLE
        if not text:
            self.error("missing-layer", "a layer's name is empty", word)
            return UNREADABLE
        if item is not None and text in words.TYPE_KEYS:
            from netspec.advice.items import one_by_type

            if value is not None and one_by_type(self, word, value, item):
                return UNREADABLE
        return self.layer(word, text, value)

    def word_of_the_language(self, word: ScalarNode, text: str, value: Node | None) -> Part:
        from netspec.spec import composites

        if value is None:
            help = "write `use: name`" if text == words.USE else f"write `{text}: [...]`"
            self.error("missing-layers", f"`{text}` needs layers", word, help)
            return UNREADABLE
        if text == words.SCOPE:
            return self.layers(value, "`layers`")
        if text == words.USE:
            name = self.child_name(value)
            return UNREADABLE if name is None else Use(name)
        return composites.READERS[text](self, word, value)

    def layer(self, word: ScalarNode, type_name: str, value: Node | None) -> Part:
        seen: object
        arguments: tuple[tuple[str | None, Written], ...]
        met = self.templates_met
        if value is not None and not isinstance(value, ScalarNode) and self.is_nested(word, value):
            return UNREADABLE
        if value is None:
            seen, arguments = type_name, ()
        elif isinstance(value, MapNode):
            reported = len(self.found.found)
            entries = value.entries
            if len(entries) > MAX_ARGUMENTS:
                message = f"a layer takes at most {MAX_ARGUMENTS} arguments, not {len(entries):,}"
                self.error("too-long", message, word)
                entries = entries[:MAX_ARGUMENTS]
            arguments = tuple([(str(key.value), self.value(v)) for key, v in entries])
            if len(self.found.found) > reported:
                return UNREADABLE
            types = [_type(v) if v.__class__ is tuple else v.__class__ for _, v in arguments]
            seen = (type_name, arguments, tuple(types))
        elif isinstance(value, ScalarNode) and value.value is None:
            seen, arguments = type_name, ()  # `relu:` is `relu`
        else:
            reported = len(self.found.found)
            plain = self.value(value)
            if len(self.found.found) > reported:
                return UNREADABLE
            seen, arguments = (type_name, plain, _type(plain)), ((None, plain),)
        layer = self.layers_seen.get(seen)
        if layer is None:
            if len(type_name) > MAX_WORD or any(
                len(name or "") > MAX_WORD for name, _ in arguments
            ):
                self.error("too-long", f"a word is longer than {MAX_WORD} letters", word)
                return UNREADABLE
            type: Name = type_name
            if "$" in type_name:
                read = self.text(word, type_name)
                if read is None:
                    return UNREADABLE
                type = read
            if self.templates_met > met:
                layer = LayerTemplate(type, arguments)
            else:
                layer = Layer(str(type), arguments)  # type: ignore[arg-type]
            self.layers_seen[seen] = layer
        elif layer.__class__ is LayerTemplate:
            self.templates_met += 1
        return layer

    def is_nested(self, word: ScalarNode, value: ListNode | MapNode) -> bool:
        """Whether there are layers in place of arguments; it is reported then."""
        inside = value.items if isinstance(value, ListNode) else [v for _, v in value.entries]
        if not any(map(_has_mapping, inside)) or self.found.is_full:
            return False
        from netspec.advice.items import nested

        return nested(self, word, value)

    def value(self, node: Node) -> Written:
        """A value as it is written; lists become tuples."""
        if isinstance(node, ScalarNode):
            value = node.value
            if value.__class__ is str and "$" in value:
                return self.text(node, str(value))
            return value
        if isinstance(node, ListNode):
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            values = tuple([self.value(item) for item in node.items])
            self.depth -= 1
            return values
        self.error("bad-argument", "an argument takes a value or a list, not a mapping", node)
        return None

    def text(self, node: Node, text: str) -> Template | str | None:
        """A text that may be a template; None where it is a wrong one.

        Raises:
            TooLarge: the expressions of the document are too many.
        """
        read = self.templates.get(text)
        if read is None:
            try:
                read = self.templates[text] = parse_template(text)
            except TemplateError as problem:
                self.error(
                    "bad-expression", problem.message, node, _template_help(node, problem, self)
                )
                return None
            if isinstance(read, Template):
                self.expression_nodes += read.nodes
                if self.expression_nodes > MAX_NODES:
                    message = f"all expressions together have more than {MAX_NODES:,} parts"
                    self.error("too-large", message, node, "compute a value once, with `let`")
                    raise TooLarge
        if read.__class__ is Template:
            self.templates_met += 1
        return read

    # ---- reserved keys

    def value_name(self, key: ScalarNode) -> bool:
        """Whether a key can be the name of a value in expressions."""
        word = str(key.value)
        if VALUE_NAME.match(word) and word not in BUILT_IN and len(word) <= MAX_WORD:
            self.value_names.add(word)
            return True
        shown = shortened(word)
        if word in BUILT_IN:
            self.error("taken-name", f"{shown!r} has a meaning in every expression", key)
        else:
            self.error(
                "bad-name",
                f"{shown!r} cannot be used in expressions",
                key,
                "a name there has letters, digits and `_`, and begins with a letter",
            )
        return False

    def names(self, node: Node, what: str) -> tuple[Name, ...]:
        """One name, or a list of them."""
        items = node.items if isinstance(node, ListNode) else (node,)
        names: list[Name] = []
        for item in items:
            value = item.value if isinstance(item, ScalarNode) else None
            if type(value) is int:
                value = str(value)
            if not isinstance(value, str) or not value or len(value) > 2 * MAX_WORD:
                self.error(
                    "bad-name", f"{what} takes a name or a list of names, not {kind(item)}", item
                )
                continue
            name = self.text(item, value) if "$" in value else value
            if name is not None:
                names.append(name)
        if not items:
            self.error("bad-name", f"{what} names nothing", node)
        return tuple(names)

    def child_name(self, node: Node) -> Name | None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is int:
            value = str(value)
        if isinstance(value, str) and "$" in value:
            read = self.text(node, value)
            if not isinstance(read, str):
                return read
            value = read
        if not isinstance(value, str):
            self.error("bad-name", f"a name is a text, not {kind(node)}", node)
            return None
        if len(value) > MAX_WORD:
            self.error("too-long", f"a name is longer than {MAX_WORD} letters", node)
            return None
        if not value or "." in value:
            self.error(
                "bad-name",
                "a name is empty" if not value else f"the name {shortened(value)!r} has a dot",
                node,
                Instead(
                    "dots separate the names in state_dict keys: use `_` or `-`",
                    value.replace(".", "_"),
                )
                if value
                else "",
            )
            return None
        return value

    def repeat(self, node: Node) -> int | Template:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and "$" in node.value:
            read = self.text(node, node.value)
            if isinstance(read, Template):
                return read
            if read is None:
                return 1
        return self.whole_number(node, "`repeat`", 1, MAX_SIZE, 1)

    def whole_number(self, node: Node, what: str, least: int, most: int, otherwise: int) -> int:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is int and least <= value <= most:
            return value
        limit = f">= {least}" if most == MAX_SIZE else f"from {least} to {most}"
        quoted = type(value) is str and value.isdecimal() and len(value) < 20
        self.error(
            "bad-value",
            f"{what} takes a whole number {limit}, not {kind(node)}",
            node,
            _number_help(value, quoted, self.value_names),
        )
        return otherwise

    def device(self, node: Node) -> Name | None:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value:
            return self.text(node, node.value) if "$" in node.value else node.value
        self.error(
            "bad-device",
            f"`device` takes a device's name, not {kind(node)}",
            node,
            "write for example `device: cuda:0` or `device: cpu`",
        )
        return None


def _has_mapping(node: Node) -> bool:
    return node.__class__ is MapNode or (
        isinstance(node, ListNode) and any(item.__class__ is MapNode for item in node.items)
    )


def _template_help(node: Node, problem: TemplateError, parser: Parser) -> Advice:
    def help() -> Line:
        from netspec.advice.templates import mended_template

        return mended_template(parser.source, node) or problem.help

    return help


def _without_name(parser: Parser, node: MapNode) -> Line:
    from netspec.advice.writing import without_entry

    return without_entry("remove `name:`, or use a list", parser.source, node, "name")


def _layers_in_words(parser: Parser, node: ScalarNode) -> Line:
    from netspec.advice.items import layers_in_words

    return layers_in_words(parser, node)


def _named_layer(
    parser: Parser, key: ScalarNode, node: ScalarNode, *, is_empty: bool = False
) -> Line:
    from netspec.advice.items import value_of_name

    found = value_of_name(parser, key, node)
    if found:
        return found
    name = shortened(str(key.value))
    if is_empty:
        return (
            "in a mapping the layer comes after the child's name: `act: relu`; "
            "a list needs no names: `[flatten, relu]`"
        )
    return f"in a mapping the layer comes after the child's name: `{name}: {{linear: 10}}`"


def _number_help(value: object, quoted: bool, names: set[str]) -> Line:
    if quoted:
        return Instead(f"remove the quotes: {value}", str(value))
    if value in names:
        return Instead(f"a param is written with a `$`: `${value}`", f"${value}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return Instead(f"write {int(value)}", str(int(value)))
    return ""


def _type(value: Written) -> object:
    """What tells 1, 1.0 and true apart, which are equal in Python."""
    if isinstance(value, tuple):
        return tuple([_type(item) for item in value])
    return value.__class__
