"""Nodes to Spec: the grammar of the language.

A list numbers, a mapping names. An item has exactly one key that is not reserved; that key says
what it is. Every finding is reported and reading goes on, so that one run shows all of them.
"""

from __future__ import annotations

from netspec.diagnostics import Diagnostics, Source, Span, did_you_mean, listed, nearest
from netspec.source import ListNode, MapNode, Node, ScalarNode
from netspec.source.collector import without_collector
from netspec.source.nodes import kind, shortened, written
from netspec.spec import words
from netspec.spec.inputs import MAX_SIZE, parse_input
from netspec.spec.spec import (
    Concat,
    Input,
    Item,
    Layer,
    Layers,
    Origin,
    Part,
    Residual,
    Spec,
    Value,
)

NO_ITEMS = Layers()
UNREADABLE = Layer("")
MAX_ARGUMENTS = 200
MAX_WORD = 100  # a key of YAML has at most 1,024 letters, and to_yaml escapes one by ten


@without_collector
def parse(source: Source, root: Node, found: Diagnostics) -> Spec:
    """The Spec of a whole document.

    With an error in ``found`` it holds what could be read, so that later stages find their
    errors in the same run; an item that could not be read is a Layer without a type.
    """
    return Parser(source, found).spec(root)


class Parser:
    """Reads the nodes of one source."""

    def __init__(self, source: Source, found: Diagnostics) -> None:
        self.source = source
        self.found = found
        # Equal layers are one value, so that later stages check each different layer once.
        self.layers_seen: dict[object, Layer] = {}

    def span(self, node: Node) -> Span:
        return Span(self.source, node.start, node.end)

    def error(self, code: str, message: str, node: Node, *help: str) -> None:
        self.found.error(code, message, self.span(node), help=help)

    # ---- the document

    def spec(self, root: Node) -> Spec:
        origin = Origin(self.source, root, root, None)
        if not isinstance(root, MapNode):
            message = f"a spec is a mapping with `netspec`, `input` and `layers`, not {kind(root)}"
            self.error("bad-spec", message, root, "begin with `netspec: 1`")
            return Spec((), NO_ITEMS, origin=origin)
        entries = {str(key.value): value for key, value in root.entries}
        for key, _ in root.entries:
            self.root_key(key)
        first = root.entries[0][0] if root.entries else root
        # What mistyped keys stand for is not missing too; more than a few are no mistypings.
        strangers = [key for key in entries if key not in words.ROOT_KEYS]
        meant = {nearest(key, words.ROOT_KEYS) for key in strangers[:20]}
        for word, help in (
            ("netspec", "add `netspec: 1`, the version of the language, as the first line"),
            ("input", "add the input's shape, with its batch size: `input: [N, 28, 28]`"),
            ("layers", "add `layers:` with a list or a mapping of layers"),
        ):
            if word not in entries and word not in meant:
                self.error("missing-key", f"the spec has no `{word}`", first, help)
        if "netspec" in entries:
            self.version(entries["netspec"])
        inputs: tuple[Input, ...] = ()
        if "input" in entries:
            given = parse_input(entries["input"], self.source, self.found)
            inputs = () if given is None else (given,)
        name = self.model_name(entries["name"]) if "name" in entries else None
        layers = NO_ITEMS
        if "layers" in entries:
            layers = self.layers(entries["layers"], "`layers`")
        return Spec(inputs, layers, name, origin=origin)

    def root_key(self, key: ScalarNode) -> None:
        word = str(key.value)
        if word in words.ROOT_LATER:
            self.later(word, key)
        elif word not in words.ROOT_KEYS:
            self.error(
                "unknown-key",
                f"a spec has no key {shortened(word)!r}",
                key,
                (not self.found.is_full and did_you_mean(word, words.ROOT_KEYS))
                or f"it takes {listed([f'`{known}`' for known in words.ROOT_KEYS])}",
            )

    def later(self, word: str, key: ScalarNode) -> None:
        self.error(
            "not-yet",
            f"`{word}` is kept for a later version of the language; this netspec cannot read it",
            key,
        )

    def version(self, node: Node) -> None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is not int or value != words.VERSION:
            self.error(
                "bad-version",
                f"this netspec reads version {words.VERSION} of the language, not {kind(node)}",
                node,
                f"write `netspec: {words.VERSION}`"
                if type(value) is not int or value < words.VERSION
                else "a newer netspec may read it: `pip install --upgrade netspec`",
            )

    def model_name(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return node.value
        self.error("bad-name", f"`name` takes a text, not {kind(node)}", node)
        return None

    # ---- containers

    def layers(self, node: Node, what: str) -> Layers:
        """A list of items, or a mapping of named ones."""
        if isinstance(node, ListNode):
            items = [self.item(child, None) for child in node.items]
        elif isinstance(node, MapNode):
            first = {key.value: value for key, value in reversed(node.entries)}
            # A key that comes again is reported already.
            items = [self.item(v, key) for key, v in node.entries if v is first[key.value]]
        else:
            word = node.value if isinstance(node, ScalarNode) else None
            example = word if isinstance(word, str) and word else "relu"
            self.error(
                "bad-layers",
                f"{what} takes a list or a mapping of layers, not {kind(node)}",
                node,
                f"write for example `[{shortened(example)}]`",
            )
            return NO_ITEMS
        return Layers(tuple(items))

    def item(self, node: Node, key: ScalarNode | None) -> Item:
        """One item of a list (``key`` None) or of a mapping, whose key is its name."""
        name = None if key is None else self.child_name(key)
        part: Part | None
        if isinstance(node, ScalarNode):
            if type(node.value) is str:
                part = self.layers_seen.get(node.value) or self.part(node, None)
            else:
                part, name = self.no_layer(node, key), None
            return Item(part, name, origin=Origin(self.source, node, node, None, key))
        if isinstance(node, ListNode):
            origin = Origin(self.source, node, key or node, None, key)
            return Item(self.layers(node, "a container"), name, origin=origin)
        if len(node.entries) == 1 and node.entries[0][0].value not in words.RESERVED:
            word, value = node.entries[0]
            part = self.part(word, value)
            return Item(part, name, origin=Origin(self.source, node, word, value, key))
        return self.keyed_item(node, key, name)

    def no_layer(self, node: ScalarNode, key: ScalarNode | None) -> Layer:
        if node.value is None and key is not None:
            self.error(
                "missing-layer",
                f"{shortened(str(key.value))!r} names a child but says no layer",
                key,
                "in a mapping the layer comes after the child's name: `act: relu`; "
                "a list needs no names: `[flatten, relu]`",
            )
        elif key is not None:
            name = shortened(str(key.value))
            self.error(
                "bad-layer",
                f"{name!r} names a child, but {kind(node)} is not a layer",
                node,
                "in a mapping the key is the child's name; in a list it is the layer: "
                f"`[{name}: {written(node)}]`",
            )
        else:
            self.error(
                "bad-layer",
                f"a layer is a name or a mapping, not {kind(node)}",
                node,
                "write for example `relu` or `linear: 10`",
            )
        return UNREADABLE

    def keyed_item(self, node: MapNode, key: ScalarNode | None, name: str | None) -> Item:
        """An item with reserved keys beside the word that says what it is."""
        parts: list[tuple[ScalarNode, Node]] = []
        repeat: int | None = None
        device: str | None = None
        for word, value in node.entries:
            text = str(word.value)
            if text == "name":
                if key is not None:
                    self.error(
                        "name-twice",
                        f"this child has its name from the mapping: {shortened(str(key.value))!r}",
                        word,
                        "remove `name:`, or use a list",
                    )
                name = self.child_name(value)
            elif text == "repeat":
                repeat = self.repeat(value)
            elif text == "device":
                device = self.device(value)
            elif text in words.RESERVED_LATER:
                self.later(text, word)
            else:
                parts.append((word, value))
        if len(parts) != 1:
            self.not_one_part(node, parts, key)
            origin = Origin(self.source, node, key or node, None, key)
            return Item(UNREADABLE, name, repeat, device, origin=origin)
        word, value = parts[0]
        part = self.part(word, value)
        origin = Origin(self.source, node, word, value, key)
        return Item(part, name, repeat, device, origin=origin)

    def not_one_part(
        self, node: MapNode, parts: list[tuple[ScalarNode, Node]], key: ScalarNode | None
    ) -> None:
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

    def part(self, word: ScalarNode, value: Node | None) -> Part:
        text = str(word.value)
        if text in words.PARTS:
            if value is None:
                help = f"write `{text}: [...]`"
                self.error("missing-layers", f"`{text}` needs layers", word, help)
                return UNREADABLE
            if text == words.SCOPE:
                return self.layers(value, "`layers`")
            return self.residual(value) if text == words.RESIDUAL else self.concat(value)
        if text in words.RESERVED:
            self.error("reserved-word", f"`{text}` is a word of the language, not a layer", word)
            return UNREADABLE
        if not text:
            self.error("missing-layer", "a layer's name is empty", word)
            return UNREADABLE
        return self.layer(word, text, value)

    def layer(self, word: ScalarNode, type_name: str, value: Node | None) -> Layer:
        seen: object
        arguments: tuple[tuple[str | None, Value], ...]
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
        elif isinstance(value, ScalarNode):
            arguments = ((None, value.value),)
            seen = (type_name, value.value, value.value.__class__)
        else:
            plain = self.value(value)
            seen, arguments = (type_name, plain, _type(plain)), ((None, plain),)
        layer = self.layers_seen.get(seen)
        if layer is None:
            if len(type_name) > MAX_WORD or any(
                len(name or "") > MAX_WORD for name, _ in arguments
            ):
                self.error("too-long", f"a word is longer than {MAX_WORD} letters", word)
                return UNREADABLE
            layer = self.layers_seen[seen] = Layer(type_name, arguments)
        return layer

    def value(self, node: Node) -> Value:
        """An argument's value; lists become tuples."""
        if isinstance(node, ScalarNode):
            return node.value
        if isinstance(node, ListNode):
            return tuple([self.value(item) for item in node.items])
        self.error("bad-argument", "an argument takes a value or a list, not a mapping", node)
        return None

    def residual(self, node: Node) -> Residual:
        if not isinstance(node, MapNode) or not any(
            key.value in ("body", "shortcut") for key, _ in node.entries
        ):
            body = self.layers(node, "`residual`")
            return self.with_body(Residual(body), node)
        parts = {"body": NO_ITEMS, "shortcut": NO_ITEMS}
        for key, value in node.entries:
            word = str(key.value)
            if word in parts:
                parts[word] = self.layers(value, f"`{word}`")
            else:
                self.error(
                    "unknown-key",
                    f"`residual` takes `body` and `shortcut`, not {shortened(word)!r}",
                    key,
                    did_you_mean(word, parts),
                )
        if not any(key.value == "body" for key, _ in node.entries):
            self.error(
                "missing-key",
                "`residual` needs a `body`, to whose output the shortcut's is added",
                node,
                "write `residual: {body: [...], shortcut: [...]}`",
            )
            return Residual(NO_ITEMS)
        body_node = next(value for key, value in node.entries if key.value == "body")
        return self.with_body(Residual(parts["body"], parts["shortcut"]), body_node)

    def with_body(self, part: Residual, node: Node) -> Residual:
        if not isinstance(node, ScalarNode) and not node[0]:  # of no items, of no entries
            self.error(
                "empty-residual",
                "the body of `residual` has no layers",
                node,
                "`residual` adds its input to what its layers give: `residual: [linear: 8, relu]`",
            )
        return part

    def concat(self, node: Node) -> Part:
        dim = 1
        branches: Node | None = node
        if isinstance(node, MapNode):
            branches = None
            if all(key.value != "branches" for key, _ in node.entries):
                self.error(
                    "bad-concat",
                    "`concat` needs `branches`, a list of branches without names",
                    node,
                    "write `concat: [[...], [...]]` or `concat: {dim: 1, branches: [...]}`",
                )
                return UNREADABLE
            for key, value in node.entries:
                word = str(key.value)
                if word == "branches":
                    branches = value
                elif word == "dim":
                    dim = self.whole_number(value, "`dim`", -64, 63, 1)
                else:
                    self.error(
                        "unknown-key",
                        f"`concat` takes `branches` and `dim`, not {shortened(word)!r}",
                        key,
                        did_you_mean(word, ("branches", "dim")),
                    )
        if not isinstance(branches, ListNode) or not branches.items:
            self.error(
                "bad-concat",
                "`concat` needs a list of branches, each a list or a mapping of layers",
                branches or node,
                "write `concat: [[...], [...]]`; an empty branch `[]` is the input itself",
            )
            return UNREADABLE
        return Concat(tuple(self.layers(branch, "a branch") for branch in branches.items), dim)

    # ---- reserved keys

    def child_name(self, node: Node) -> str | None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is int:
            value = str(value)
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
                "dots separate the names in state_dict keys: use `_` or `-`" if value else "",
            )
            return None
        return value

    def repeat(self, node: Node) -> int:
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
            f"remove the quotes: {value}" if quoted else "",
        )
        return otherwise

    def device(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value:
            return node.value
        self.error(
            "bad-device",
            f"`device` takes a device's name, not {kind(node)}",
            node,
            "write for example `device: cuda:0` or `device: cpu`",
        )
        return None


def _type(value: Value) -> object:
    """What tells 1, 1.0 and true apart, which are equal in Python."""
    if isinstance(value, tuple):
        return tuple([_type(item) for item in value])
    return value.__class__
