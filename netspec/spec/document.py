"""Nodes to Spec: the keys of a whole document."""

from __future__ import annotations

import re

from netspec.diagnostics import (
    Diagnostics,
    Instead,
    Line,
    Source,
    Span,
    fix,
    listed,
    nearest,
    suggestion,
)
from netspec.source import ListNode, MapNode, Node, ScalarNode, read_text
from netspec.source.collector import without_collector
from netspec.source.limits import MAX_DEPTH
from netspec.source.nodes import kind, shortened
from netspec.source.scalars import resolve
from netspec.spec import words
from netspec.spec.initialisers import read_init
from netspec.spec.inputs import parse_input, parse_inputs
from netspec.spec.keys import scope_keys
from netspec.spec.parser import NO_ITEMS, Parser, TooLarge
from netspec.spec.spec import (
    Block,
    InitRule,
    Input,
    Origin,
    Param,
    Requirement,
    Spec,
    Tie,
    Variant,
)
from netspec.spec.writer import to_yaml

MAX_VARIANTS = 1_000
SHALLOW = 15  # levels of layers or lists, of which a text has less than 100
MAX_REQUIRED = 100  # packages, whose metadata is read for each


@without_collector
def parse(source: Source, root: Node, found: Diagnostics) -> Spec:
    """The Spec of a whole document.

    With an error in ``found`` it holds what could be read, so that later stages find their
    errors in the same run; an item that could not be read is a Layer without a type.
    """
    parser = Parser(source, found)
    try:
        spec = _Document(parser).spec(root)
    except TooLarge:
        return Spec((), NO_ITEMS, origin=Origin(source, root, root, None))
    if parser.deepest > SHALLOW and not found.failed:
        _require_writable(spec, found)
    return spec


def _require_writable(spec: Spec, found: Diagnostics) -> None:
    """Reports a spec whose text would be nested too deep to be read again."""
    scratch = Diagnostics()
    read_text(to_yaml(spec), "", scratch)
    if scratch.failed:
        found.error(
            "too-deep",
            f"nested so deep that its text has more than {MAX_DEPTH} levels",
            spec.origin.reserved("layers"),
            help=["write nested layers as blocks"],
        )


@without_collector
def parse_blocks(source: Source, root: Node, found: Diagnostics) -> tuple[Block, ...]:
    """The blocks of a document that has nothing else: ``netspec: 1`` and ``blocks``."""
    try:
        return _Document(Parser(source, found)).block_document(root)
    except TooLarge:
        return ()


class _Document:
    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.source = parser.source
        self.found = parser.found
        self.error = parser.error
        self.keys: dict[str, ScalarNode] = {}

    def spec(self, root: Node) -> Spec:
        origin = Origin(self.source, root, root, None)
        if not isinstance(root, MapNode):
            message = f"a spec is a mapping with `netspec`, `input` and `layers`, not {kind(root)}"
            self.error("bad-spec", message, root, lambda: _whole_spec(self.source, root))
            return Spec((), NO_ITEMS, origin=origin)
        entries = {str(key.value): value for key, value in root.entries}
        self.keys = {str(key.value): key for key, _ in root.entries}
        for key, _ in root.entries:
            self.root_key(key)
        self.missing(root, entries)
        if "netspec" in entries:
            self.version(entries["netspec"])
        inputs = self.inputs(entries)
        name = self.model_name(entries["name"]) if "name" in entries else None
        requires = self.requires(entries["requires"]) if "requires" in entries else ()
        params = self.params(entries["params"], "`params`") if "params" in entries else ()
        variants = self.variants(entries["variants"], params) if "variants" in entries else ()
        blocks = self.blocks(entries["blocks"]) if "blocks" in entries else ()
        layers = NO_ITEMS
        if "layers" in entries:
            layers = self.parser.layers(entries["layers"], "`layers`")
        scope: dict[str, Node] = {
            key: entries[key] for key in ("outputs", "auxiliary", "register") if key in entries
        }
        if scope:
            layers = scope_keys(self.parser, layers, scope)
        init = self.init(entries["init"]) if "init" in entries else ()
        tie = self.tie(entries["tie"]) if "tie" in entries else ()
        freeze = self.freeze(entries["freeze"]) if "freeze" in entries else ()
        return Spec(
            inputs,
            layers,
            name,
            requires=requires,
            params=params,
            variants=variants,
            blocks=blocks,
            init=init,
            tie=tie,
            freeze=freeze,
            origin=origin,
        )

    def block_document(self, root: Node) -> tuple[Block, ...]:
        if not isinstance(root, MapNode):
            message = f"a file of blocks is a mapping with `netspec` and `blocks`, not {kind(root)}"
            self.error("bad-spec", message, root, "begin with `netspec: 1`")
            return ()
        entries = {str(key.value): value for key, value in root.entries}
        for key, _ in root.entries:
            if str(key.value) not in ("netspec", "blocks"):
                self.error(
                    "unknown-key",
                    f"a file of blocks has no key {shortened(str(key.value))!r}",
                    key,
                    "it takes `netspec` and `blocks`",
                )
        for word in ("netspec", "blocks"):
            if word not in entries:
                first = root.entries[0][0] if root.entries else root
                self.error("missing-key", f"the file of blocks has no `{word}`", first)
        if "netspec" in entries:
            self.version(entries["netspec"])
        return self.blocks(entries["blocks"]) if "blocks" in entries else ()

    def missing(self, root: MapNode, entries: dict[str, Node]) -> None:
        first = root.entries[0][0] if root.entries else root
        # What mistyped keys stand for is not missing too; more than a few are no mistypings.
        strangers = [key for key in entries if key not in words.ROOT_KEYS]
        meant = {nearest(key, words.ROOT_KEYS) for key in strangers[:20]}
        for word, help in (
            ("netspec", _version_first(self.source, root)),
            ("input", "add the input's shape, with its batch size: `input: [N, 28, 28]`"),
            ("layers", "add `layers:` with a list or a mapping of layers"),
        ):
            given = word in entries or (word == "input" and "inputs" in entries)
            if not given and word not in meant and not (word == "input" and "inputs" in meant):
                self.error("missing-key", f"the spec has no `{word}`", first, help)

    def root_key(self, key: ScalarNode) -> None:
        word = str(key.value)
        if word not in words.ROOT_KEYS:
            self.error(
                "unknown-key",
                f"a spec has no key {shortened(word)!r}",
                key,
                suggestion(
                    word,
                    words.ROOT_KEYS,
                    f"it takes {listed([f'`{known}`' for known in words.ROOT_KEYS])}",
                ),
            )

    def version(self, node: Node) -> None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is not int or value != words.VERSION:
            self.error(
                "bad-version",
                f"this netspec reads version {words.VERSION} of the language, not {kind(node)}",
                node,
                Instead(f"write `netspec: {words.VERSION}`", str(words.VERSION))
                if type(value) is not int or value < words.VERSION
                else "a newer netspec may read it: `pip install --upgrade netspec`",
            )

    def model_name(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return node.value
        self.error("bad-name", f"`name` takes a text, not {kind(node)}", node)
        return None

    def requires(self, node: Node) -> tuple[Requirement, ...]:
        example = "write for example `requires: [netspec-torchvision>=0.1]`"
        if not isinstance(node, ListNode):
            self.error(
                "bad-requires",
                f"`requires` takes a list of packages, not {kind(node)}",
                node,
                Instead(f"write `requires: [{node.value}]`", f"[{node.value}]")
                if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value
                else example,
            )
            return ()
        if len(node.items) > MAX_REQUIRED:
            self.error(
                "bad-requires",
                f"a spec requires at most {MAX_REQUIRED} packages, not {len(node.items):,}",
                node.items[MAX_REQUIRED],
                "name those whose layers it uses",
            )
        read = []
        for item in node.items[:MAX_REQUIRED]:
            if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value.strip():
                read.append(Requirement(item.value.strip(), span=self.parser.span(item)))
            else:
                self.error("bad-requires", f"a package is a text, not {kind(item)}", item, example)
        return tuple(read)

    def inputs(self, entries: dict[str, Node]) -> tuple[Input, ...]:
        if "inputs" in entries:
            if "input" in entries:
                self.error(
                    "bad-input",
                    "a spec has `input` or `inputs`, not both",
                    entries["input"],
                    "put it under `inputs:` with a name",
                )
            if isinstance(entries["inputs"], ListNode):
                self.error(
                    "bad-input",
                    "`inputs` takes a mapping of names to shapes, not a list",
                    self.keys["inputs"],
                    Instead("a model of one input has `input`", "input"),
                )
                return ()
            return parse_inputs(entries["inputs"], self.parser)
        if "input" in entries:
            given = parse_input(entries["input"], self.parser)
            return () if given is None else (given,)
        return ()

    # ---- params, variants, blocks

    def params(self, node: Node, what: str) -> tuple[Param, ...]:
        if not isinstance(node, MapNode):
            self.error(
                "bad-params",
                f"{what} takes a mapping of names to values, not {kind(node)}",
                node,
                lambda: _as_mapping(self.parser, node),
            )
            meant = _meant_mapping(node)
            return () if meant is None else self.params(meant, what)
        read = []
        for key, value in node.entries:
            if not self.parser.value_name(key):
                continue
            empty = isinstance(value, ScalarNode) and value.value is None
            span = self.parser.span(key if empty else value)
            written = None if isinstance(value, MapNode) else self.parser.value(value)
            if isinstance(value, MapNode):
                self.error("bad-params", "a param is a value or a list, not a mapping", value)
            read.append(Param(str(key.value), written, not empty, span=span))
        return tuple(read)

    def variants(self, node: Node, params: tuple[Param, ...]) -> tuple[Variant, ...]:
        if not isinstance(node, MapNode):
            self.error(
                "bad-variants",
                f"`variants` takes a mapping of names to params, not {kind(node)}",
                node,
                lambda: _as_mapping(
                    self.parser, node, "write for example `variants: {small: {width: 64}}`"
                ),
            )
            meant = _meant_mapping(node)
            return () if meant is None else self.variants(meant, params)
        if len(node.entries) > MAX_VARIANTS:
            self.error(
                "too-many-variants",
                f"a spec has at most {MAX_VARIANTS:,} variants, not {len(node.entries):,}",
                node.entries[MAX_VARIANTS][0],
                "what only differs in a number is a param, given with `--set`",
            )
        known = {param.name for param in params}
        read = []
        for key, value in node.entries[:MAX_VARIANTS]:
            values: tuple[Param, ...] = ()
            if not isinstance(value, ScalarNode) or value.value is not None:
                values = self.params(value, "a variant")
            for given in values:
                if given.name not in known:
                    self.found.error(
                        "unknown-param",
                        f"there is no param {shortened(given.name)!r}",
                        _key_span(self.parser, value, given),
                        help=[suggestion(given.name, known, "add it to `params` with its default")],
                    )
            values = tuple(given for given in values if given.name in known)
            read.append(Variant(str(key.value), values, span=self.parser.span(key)))
        return tuple(read)

    def blocks(self, node: Node) -> tuple[Block, ...]:
        if not isinstance(node, MapNode):
            self.error(
                "bad-blocks",
                f"`blocks` takes a mapping of names to blocks, not {kind(node)}",
                node,
                lambda: _as_mapping(self.parser, node),
            )
            meant = _meant_mapping(node)
            return () if meant is None else self.blocks(meant)
        read = [self.block(key, value) for key, value in node.entries]
        return tuple(block for block in read if block is not None)

    def block(self, key: ScalarNode, node: Node) -> Block | None:
        name = str(key.value)
        if words.is_word_of_the_language(name):
            self.error("reserved-word", f"`{shortened(name)}` is a word of the language", key)
            return None
        if "$" in name or not name:
            self.error("bad-name", f"a block's name is a plain text, not {shortened(name)!r}", key)
            return None
        origin = Origin(self.parser.source, node, key, None, key)
        if isinstance(node, ListNode):
            return Block(name, self.parser.layers(node, "a block"), origin=origin)
        known = ("params", "let", "layers", *sorted(words.SCOPE_KEYS))
        if not isinstance(node, MapNode):
            self.error(
                "bad-block",
                f"a block takes `params` and `layers`, not {kind(node)}",
                node,
                "write for example `{params: {width: 64}, layers: [linear: $width, relu]}`",
            )
            return None
        entries = {str(k.value): value for k, value in node.entries}
        for k, _ in node.entries:
            if str(k.value) not in known:
                self.error(
                    "unknown-key",
                    f"a block has no key {shortened(str(k.value))!r}",
                    k,
                    suggestion(
                        str(k.value), known, f"it takes {listed([f'`{word}`' for word in known])}"
                    ),
                )
        if "layers" not in entries:
            self.error("missing-key", f"the block {shortened(name)!r} has no `layers`", key)
            return None
        params = self.params(entries["params"], "`params`") if "params" in entries else ()
        let = self.params(entries["let"], "`let`") if "let" in entries else ()
        layers = self.parser.layers(entries["layers"], "`layers`")
        scope = {word: entries[word] for word in words.SCOPE_KEYS if word in entries}
        if scope:
            layers = scope_keys(self.parser, layers, scope)
        return Block(name, layers, params, let, origin=origin)

    # ---- weights

    def init(self, node: Node) -> tuple[InitRule, ...]:
        if not isinstance(node, MapNode):
            self.error(
                "bad-value",
                f"`init` takes a mapping of layers, not {kind(node)}",
                node,
                "write for example `init: {linear: {weight: xavier_uniform, bias: 0}}`",
            )
            return ()
        for key, value in node.entries:
            if isinstance(value, MapNode) and not value.entries:
                message = f"the rule for {shortened(str(key.value))} has no effect: it is empty"
                self.error("no-effect", message, key, "remove it, or name a parameter: `weight: 0`")
        return tuple(
            InitRule(str(key.value), read_init(self.parser, value), span=self.parser.span(key))
            for key, value in node.entries
        )

    def freeze(self, node: Node) -> tuple[str, ...]:
        items = node.items if isinstance(node, ListNode) else (node,)
        read = []
        for item in items:
            value = item.value if isinstance(item, ScalarNode) else None
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                read.append(str(value))
                continue
            self.error(
                "bad-value",
                f"`freeze` at the top takes patterns of names, not {kind(item)}",
                item,
                'write for example `freeze: ["backbone.*"]`',
            )
        return tuple(read)

    def tie(self, node: Node) -> tuple[Tie, ...]:
        example = "write for example `tie: {head.weight: embedding.weight}`"
        if not isinstance(node, MapNode):
            self.error(
                "bad-value",
                f"`tie` takes a mapping of parameters, not {kind(node)}",
                node,
                _tied(node) or example,
            )
            return ()
        read = []
        for key, value in node.entries:
            if not isinstance(value, ScalarNode) or not isinstance(value.value, str):
                self.error(
                    "bad-value", f"a parameter's key is a text, not {kind(value)}", value, example
                )
                continue
            read.append(Tie(str(key.value), value.value, span=self.parser.span(key)))
        return tuple(read)


def _meant_mapping(node: Node) -> MapNode | None:
    """The mapping that a list of single entries (``- width: 64``), or ``width=64``, stands for."""
    entries: list[tuple[ScalarNode, Node]] = []
    if isinstance(node, ListNode):
        for item in node.items:
            if not isinstance(item, MapNode):
                return None
            entries += item.entries
    elif isinstance(node, ScalarNode) and isinstance(node.value, str):
        for name, value in re.findall(r"(\w+)\s*=\s*([^\s,]+)", node.value[:1_000]):
            key = ScalarNode(name, node.start, node.end)
            entries.append((key, ScalarNode(resolve(value), node.start, node.end)))
    return MapNode(tuple(entries), node.start, node.end) if entries else None


def _version_first(source: Source, root: MapNode) -> Line:
    """The help that adds the version as the first entry."""
    message = "add `netspec: 1`, the version of the language, as the first line"
    if not root.entries:
        return message
    first = root.entries[0][0].start
    entry = f"netspec: {words.VERSION}"
    end = ", " if root.start < first else "\n"  # of a mapping in braces
    return fix(message, (Span(source, first, first), f"{entry}{end}"))


def _whole_spec(source: Source, root: Node) -> Line:
    from netspec.advice.items import whole_spec

    if isinstance(root, ScalarNode) and str(root.value).endswith((".yaml", ".yml")):
        return "a file is read by `netspec.load(path)`, a text by `netspec.loads(text)`"
    return whole_spec(source, root)


def _as_mapping(parser: Parser, node: Node, otherwise: str = "") -> Line:
    from netspec.advice.items import as_mapping

    return as_mapping(parser, node, otherwise)


def _key_span(parser: Parser, node: Node, given: Param) -> Span:
    """The name of a param in a variant."""
    if isinstance(node, MapNode):
        for key, _ in node.entries:
            if key.value == given.name:
                return parser.span(key)
    return given.span


def _tied(node: Node) -> Line:
    """The help for ``tie: [a.weight, b.weight]``."""
    items = node.items if isinstance(node, ListNode) else ()
    names = [item.value for item in items if isinstance(item, ScalarNode)]
    if len(items) != 2 or not all(isinstance(name, str) and "." in name for name in names):
        return ""
    text = f"{{{names[1]}: {names[0]}}}"
    return Instead(f"write `tie: {text}`", text, is_certain=False)
