"""Reads YAML text into nodes, from libyaml's events with a stack of our own.

No recursion and no composing: nesting, number of nodes and what aliases expand to are bounded
while reading, and every refusal has a position.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from netspec.diagnostics import Diagnostics, Instead, Location, Note, Span, fix
from netspec.source.collector import without_collector
from netspec.source.limits import MAX_BYTES, MAX_DEPTH, MAX_NODES
from netspec.source.nodes import ListNode, MapNode, Node, ScalarNode, shortened
from netspec.source.scalars import TooManyDigits, resolve
from netspec.source.text import TextSource

# What YAML 1.2 calls non-printable, and lone surrogates, which no file can hold.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read_file(path: str | os.PathLike[str], found: Diagnostics) -> tuple[TextSource, Node | None]:
    """The nodes of a file; None when ``found`` got an error."""
    try:
        name = os.fsdecode(path)
    except TypeError:
        what = f"a spec's file is a path, not a {type(path).__name__}"
        raise TypeError(f"{what}; a dict is read by `netspec.from_dict`") from None
    try:
        with open(name, "rb", opener=_without_waiting) as file:
            data = file.read(MAX_BYTES + 1)
            if not data and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                raise ValueError("it is a pipe that nobody writes to")
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        where = Span(_WholeFile(name), 0, 0)
        is_missing = isinstance(problem, FileNotFoundError) or "\n" in name
        help = [partial(_other_path, name)] if is_missing else []
        found.error("unreadable-file", f"cannot read the file: {reason}", where, help=help)
        return TextSource("", name), None
    return read_bytes(data, name, found)


MAX_CUT = 500  # texts that are put together again


def _other_path(name: str) -> str:
    from netspec.advice.commands import other_path

    return other_path(name)


def _without_waiting(name: str, flags: int) -> int:
    """Opens a file; a named pipe, too, that no other program has open, which blocks elsewhere."""
    file = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(file, True)  # what a program writes is waited for
    return file


class _WholeFile(NamedTuple):
    """A source of which nothing is known but its name."""

    name: str

    def locate(self, start: int, end: int) -> Location:
        return Location(self.name)


def read_bytes(data: bytes, name: str, found: Diagnostics) -> tuple[TextSource, Node | None]:
    """The nodes of an encoded text, as ``read_text`` gives them."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        if len(data) <= MAX_BYTES:  # else the cut may have split a letter
            before = problem.object[: problem.start].decode("utf-8-sig", "replace")
            source = TextSource(before, name)
            found.error(
                "not-utf-8",
                f"the file is not UTF-8 text: byte 0x{problem.object[problem.start]:02x}",
                Span(source, len(before), len(before)),
                help=["save the file as UTF-8"],
            )
            return source, None
        text = data.decode("utf-8-sig", "replace")
    return read_text(text, name, found)


@without_collector
def read_text(text: str, name: str, found: Diagnostics) -> tuple[TextSource, Node | None]:
    """The nodes of a text; None when ``found`` got an error. ``name`` stands in messages."""
    source = TextSource(text.removeprefix("\ufeff"), name)
    # A character takes at least one byte; counting bytes exactly would encode the whole text.
    if len(source.text) > MAX_BYTES:
        found.error(
            "too-large",
            f"the text is longer than {MAX_BYTES // 2**20} MiB, the most that a spec may have",
            Span(source, 0, 0),
            help=["write repeated layers with `repeat:`"],
        )
        return source, None
    forbidden = FORBIDDEN.search(source.text)
    if forbidden:
        at = forbidden.start()
        found.error(
            "bad-character",
            f"the character U+{ord(forbidden.group()):04X} is not allowed in YAML",
            Span(source, at, at + 1),
        )
        return source, None
    try:
        return source, _Reader(source, found).read()
    except yaml.MarkedYAMLError as problem:
        _report_syntax(source, problem, found)
    except _Stop:
        pass
    return source, None


def _report_syntax(source: TextSource, problem: yaml.MarkedYAMLError, found: Diagnostics) -> None:
    """The cause of libyaml's message where a remedy is known, and the message else."""
    from netspec.advice.yaml_syntax import Problem, remedy

    def reads(text: str) -> Problem | None:
        next_event = _events(text)
        try:
            while next_event().__class__ is not StreamEndEvent:
                pass
        except yaml.MarkedYAMLError as another:
            return Problem(*_marks(another), "")
        return None

    at, begin = _marks(problem)
    context = problem.context or ""
    message = problem.problem or context or "cannot be read"
    if "nesting depth" in message:  # libyaml's own limit, which it may meet before ours
        message = f"nested more than {MAX_DEPTH} levels deep"
        found.error("too-deep", message, Span(source, at, at + 1))
        return
    cure = remedy(source.text, Problem(at, begin, message), reads)
    if cure is not None:
        edits = [(Span(source, start, end), text) for start, end, text in cure.edits]
        help = [fix(cure.help, *edits, is_certain=cure.is_certain)]
        where = Span(source, cure.start, cure.end)
        found.error("yaml-syntax", f"not YAML: {cure.cause}", where, help=help)
        return
    notes = []
    if context and problem.problem:
        notes = [Note(context, Span(source, begin, begin + 1).locate())]
    elif "quoted scalar" in context:
        at, message = begin, "this quote is not closed"
    where = Span(source, at, at + 1)
    found.error("yaml-syntax", f"not YAML: {message}", where, notes=notes)


def _marks(problem: yaml.MarkedYAMLError) -> tuple[int, int]:
    """Where reading stopped, and where what was being read began."""
    mark = problem.problem_mark or problem.context_mark
    at = _offset(mark.index) if mark else 0
    return at, _offset(problem.context_mark.index) if problem.context_mark else at


def _offset(index: object) -> int:
    assert isinstance(index, int)
    return index


class _Stop(Exception):
    """Reading ends; the reason is among the diagnostics."""


# A list or mapping that is still being read: its children, keys, start, anchor, and the number of
# nodes before it.
_Open = tuple[list[Any], dict[str, ScalarNode] | None, int, str | None, int]


class _Reader:
    def __init__(self, source: TextSource, found: Diagnostics) -> None:
        self.source = source
        self.found = found
        self.next_event = _events(source.text)
        self.nodes = 0
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.plain: dict[str, Any] = {}  # scalars come again and again: resolve each text once
        self.cut: set[str] = set()  # texts with a `(` that is not closed in them
        self.joined = 0
        self.twice: list[tuple[dict[str, ScalarNode], ScalarNode, ScalarNode]] = []

    def read(self) -> Node | None:
        # One long loop, without calls in what runs a hundred thousand times. These five are the
        # list or mapping that is being read, first the stream, which holds one document:
        children: list[Any] = []  # of a mapping: key, value, key, value ...
        keys: dict[str, ScalarNode] | None = None  # None in a list
        start = 0
        anchor: str | None = None
        nodes_before = 0
        stack: list[_Open] = []  # and those around it
        is_key = False  # whether the next node is a mapping's key
        next_event = self.next_event
        plain = self.plain
        new = tuple.__new__  # a named tuple's own constructor takes twice as long
        node: Node
        while True:
            event = next_event()
            kind = event.__class__
            if kind is ScalarEvent:
                text = event.value
                begin = event.start_mark.index
                end = event.end_mark.index
                if event.tag is not None:
                    self.refuse_tag(event)
                self.nodes += 1
                if self.nodes > MAX_NODES:
                    self.check_size(event, 0)
                if is_key or event.style:
                    node = new(ScalarNode, (text, begin, end))
                else:
                    try:
                        value = plain[text]
                    except KeyError:
                        value = plain[text] = self.resolved(text, begin, end)
                    node = new(ScalarNode, (value, begin, end))
                if event.anchor is not None:
                    self.anchors[event.anchor] = (node, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if event.tag is not None:
                    self.refuse_tag(event)
                if is_key:
                    self.refuse_key(event.start_mark.index, event.end_mark.index)
                self.nodes += 1
                self.check_size(event, len(stack))
                stack.append((children, keys, start, anchor, nodes_before))
                is_key = kind is MappingStartEvent
                children, keys = [], {} if is_key else None
                start, anchor, nodes_before = event.start_mark.index, event.anchor, self.nodes
                if anchor is not None:
                    self.anchors.pop(anchor, None)  # until it closes, its alias is a cycle
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                end = event.end_mark.index
                if children and end == event.start_mark.index:
                    end = children[-1].end  # a block's end event lies at the next token, below
                if self.cut:
                    children = self.whole_texts(children, keys)
                if keys is None:
                    node = ListNode(tuple(children), start, end)
                else:
                    one_by_one = iter(children)
                    node = MapNode(tuple(zip(one_by_one, one_by_one, strict=True)), start, end)
                    if self.twice:
                        self.refuse_duplicates(keys, node)
                if anchor is not None:
                    self.anchors[anchor] = (node, self.nodes - nodes_before + 1)
                children, keys, start, anchor, nodes_before = stack.pop()
                is_key = False
            elif kind is AliasEvent:
                if anchor == event.anchor or any(outer[3] == event.anchor for outer in stack):
                    self.refuse_cycle(event)
                node = self.alias(event, len(stack))
                if is_key:
                    node = self.aliased_key(node)
            elif kind is DocumentStartEvent:
                if children:
                    self.stop("several-documents", "a file holds one spec, not several", event)
                continue
            elif kind is StreamEndEvent:
                if not children:
                    self.stop(
                        "empty",
                        "the spec is empty",
                        event,
                        help="a spec begins with `netspec: 1`, `input: [N, 28, 28]`, `layers:`",
                    )
                root: Node = children[0]
                return root
            else:
                continue
            children.append(node)
            if keys is None:
                continue
            if is_key:
                is_key = False
                key: Any = node
                first = keys.setdefault(key.value, key)
                if first is not key:
                    self.twice.append((keys, first, key))
            else:
                is_key = True

    def refuse_key(self, start: int, end: int) -> NoReturn:
        self.found.error(
            "bad-key",
            "a key must be a single word or text, not a list or mapping",
            Span(self.source, start, end),
        )
        raise _Stop

    def aliased_key(self, node: Node) -> ScalarNode:
        if not isinstance(node, ScalarNode):
            self.refuse_key(node.start, node.end)
        return node if isinstance(node.value, str) else ScalarNode("", node.start, node.end)

    def refuse_duplicates(self, keys: dict[str, ScalarNode], node: MapNode) -> None:
        """Reports the keys that come twice in the mapping that ends."""
        from netspec.advice.items import duplicate_layers

        of_this = [(first, key) for among, first, key in self.twice if among is keys]
        self.twice = [one for one in self.twice if one[0] is not keys]
        if not of_this:
            return
        as_list = "" if self.found.is_full else duplicate_layers(self.source, node)
        for first, key in of_this[:1] if as_list else of_this:
            line = Span(self.source, first.start, first.end).locate().line
            self.found.error(
                "duplicate-key",
                f"the key {shortened(str(key.value))!r} is given twice in this mapping",
                Span(self.source, key.start, key.end),
                notes=[f"it is given first in line {line}"],
                help=[as_list or "remove one of the two, or give it another name"],
            )

    def whole_texts(self, children: list[Any], keys: dict[str, ScalarNode] | None) -> list[Any]:
        """The nodes of a list or mapping, with texts in one that end before their ``)``.

        YAML ends a text in brackets at its comma: ``[Linear(784, 512)]`` has two items. What is
        meant is one value, and one mistake: later stages know which. An expression that is cut is
        reported here, as it could be read.
        """
        whole: list[Any] = []
        at = 0
        while at < len(children):
            node = children[at]
            end = at
            is_key = keys is not None and at % 2 == 0
            if node.__class__ is ScalarNode and node.value in self.cut and not is_key:
                self.joined += 1
                if self.joined > MAX_CUT:
                    return [*whole, *children[at:]]
                end = self.end_of_text(children, at, keys is not None)
            if end > at:
                if keys is not None:
                    for key in children[at + 1 : end + 1 : 2]:
                        keys.pop(str(key.value), None)
                node = self.whole_text(node.start, children[end].end or children[end - 1].end)
            whole.append(node)
            at = end + 1
        return whole

    def whole_text(self, start: int, end: int) -> ScalarNode:
        text = self.source.text[start:end]
        if "$(" in text:
            quoted = f'"{text}"'
            self.found.error(
                "cut-text",
                "YAML ends this text at its comma",
                Span(self.source, start, end),
                help=[Instead(f"put it into quotes: `{shortened(quoted, 80)}`", quoted)],
            )
        return ScalarNode(text, start, end)

    def end_of_text(self, children: list[Any], at: int, is_mapping: bool) -> int:
        """The place of the child that closes the ``(`` of the one at the place; its own else."""
        start = children[at].start
        for end in range(at + 1, min(len(children), at + 60)):
            child = children[end]
            is_value = is_mapping and (end - at) % 2 == 0
            if child.__class__ is not ScalarNode or (is_value and child.value is not None):
                return at
            if is_mapping and not is_value:
                continue
            last = children[end - 1] if is_value else child
            text = self.source.text[start : last.end]
            if text.count("(") <= text.count(")"):
                return end
        return at

    def resolved(self, text: str, start: int, end: int) -> Any:
        if text.count("(") > text.count(")") and len(self.cut) < MAX_CUT:
            self.cut.add(text)
        try:
            return resolve(text)
        except TooManyDigits as problem:
            self.found.error(
                "number-too-long",
                f"{problem}: no size or value needs so many",
                Span(self.source, start, end),
            )
            return 1

    def refuse_tag(self, event: Any) -> None:
        # "!" alone is what libyaml gives for a scalar that is quoted or marked as a string.
        if event.tag is not None and event.tag != "!":
            tag = shortened(event.tag.replace("tag:yaml.org,2002:", "!!", 1))
            self.found.error(
                "yaml-tag",
                f"the tag {tag!r} is not allowed: tags can name Python objects",
                self.span(event),
                help=["remove the tag; quotes make a text, plain words are read as YAML 1.2"],
            )

    def refuse_cycle(self, event: Any) -> NoReturn:
        self.stop(
            "alias-cycle",
            f"the alias *{shortened(event.anchor)} stands inside what it stands for",
            event,
        )

    def alias(self, event: Any, depth: int) -> Node:
        if event.anchor not in self.anchors:
            self.stop("unknown-alias", f"there is no anchor &{shortened(event.anchor)}", event)
        node, size = self.anchors[event.anchor]
        # Counted as if it were written out: a few lines of aliases of aliases are a billion nodes.
        self.nodes += size
        self.check_size(event, depth)
        return node

    def check_size(self, event: Any, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self.stop("too-deep", f"nested more than {MAX_DEPTH} levels deep", event)
        if self.nodes > MAX_NODES:
            self.stop(
                "too-large",
                f"more than {MAX_NODES:,} values (aliases count as what they stand for)",
                event,
                help="write repeated layers with `repeat:`",
            )

    def span(self, event: Any) -> Span:
        return Span(self.source, event.start_mark.index, event.end_mark.index)

    def stop(self, code: str, message: str, event: Any, help: str = "") -> NoReturn:
        self.found.error(code, message, self.span(event), help=[help])
        raise _Stop


def _events(text: str) -> Callable[[], Any]:
    """A function that gives the next event of the text, by libyaml where PyYAML has it."""
    parser: Any
    if yaml.__with_libyaml__:
        from yaml import cyaml

        parser = cyaml.CParser(text)  # type: ignore[attr-defined]
    else:
        parser = yaml.SafeLoader(text)
    get_event: Callable[[], Any] = parser.get_event
    return get_event
