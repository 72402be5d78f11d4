"""The weights argument as a value, and the one reader of all the ways to write it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from netspec.diagnostics import (
    Diagnostic,
    Diagnostics,
    Location,
    Source,
    Span,
    SpecError,
    listed,
)
from netspec.diagnostics.nearest import suggestion
from netspec.source import ListNode, MapNode, Node, ScalarNode, read_text, read_value
from netspec.source.nodes import kind, shortened

Spelling = Literal["python", "command", "placement"]
#: Letters in the name of a tensor.
MAX_KEY = 1_000
PARTS = ("file", "key", "rename", "only", "fresh")
EXAMPLE = '{"file": "model.safetensors", "rename": {"^module\\\\.": ""}, "fresh": ["head.*"]}'


@dataclass(frozen=True)
class Weights:
    """Which tensors of a file fill which parameters and buffers of a model.

    Args:
        file: the file, relative to ``folder``.
        key: the entry of the file that holds the tensors, where they are not the file itself.
        rename: regular expressions with replacements, applied in their order to each name of the
            file as by ``re.sub``.
        only: patterns over the renamed names; what none matches is left in the file. All are
            taken where there is none.
        fresh: patterns over the names of the model. What one matches is not filled from the file.
        spelling: how the argument is written where it comes from, for messages.
    """

    file: str
    key: str | None = None
    rename: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    folder: str = field(default="", repr=False)
    spelling: Spelling = field(default="python", compare=False, repr=False)

    @property
    def path(self) -> Path:
        return Path(self.folder, self.file)

    def written(self) -> str:
        """The argument as its user would write it: in Python, on a command line, in a document."""
        values: dict[str, object] = {"file": self.file}
        if self.key is not None:
            values["key"] = self.key
        if self.rename:
            values["rename"] = dict(self.rename)
        for name, patterns in (("only", self.only), ("fresh", self.fresh)):
            if patterns:
                values[name] = list(patterns)
        text = json.dumps(values, ensure_ascii=False)
        if self.spelling == "command":
            return f"--weights {shlex.quote(text)}"
        return f"weights: {text}" if self.spelling == "placement" else f"weights={text}"


WeightsLike = Weights | Mapping[str, object] | str | os.PathLike[str]


def read_weights(written: WeightsLike, spelling: Spelling = "python") -> Weights:
    """Read a weights argument: a file, a mapping, or a text of YAML that is a mapping (``{...}``).

    Raises:
        SpecError: it is none.
        TypeError: it is neither a path nor a mapping.
    """
    if isinstance(written, Weights):
        return written
    if isinstance(written, str) and not written.lstrip().startswith("{"):
        return _file(written, spelling)
    found = Diagnostics()
    source: Source
    if isinstance(written, str):
        source, node = read_text(written, "<weights>", found)
    elif isinstance(written, Mapping):
        plain = {
            key: os.fspath(value) if isinstance(value, os.PathLike) else value
            for key, value in written.items()
        }
        source, node = read_value(plain, "<weights>", found)
    elif isinstance(written, os.PathLike):
        return _file(os.fsdecode(written), spelling)
    else:
        raise TypeError(f"weights are a path or a mapping, not {type(written).__name__}")
    weights = None if node is None else weights_of(node, source, found, spelling=spelling)
    if weights is None or found.failed:
        raise SpecError(found.all())
    return weights


def weights_of(
    node: Node,
    source: Source,
    found: Diagnostics,
    *,
    folder: str = "",
    spelling: Spelling = "python",
) -> Weights | None:
    """The weights of a node, a text or a mapping; None where ``found`` got an error."""
    reader = _Reader(source, found)
    if isinstance(node, ScalarNode):
        file = reader.text(node, "`weights`")
        return None if file is None else Weights(file, folder=folder, spelling=spelling)
    if not isinstance(node, MapNode):
        reader.error(f"weights are a file or a mapping, not {kind(node)}", node, EXAMPLE)
        return None
    written: dict[str, Node] = {}
    for key, value in node.entries:
        name = str(key.value)
        written[name] = value
        if name not in PARTS:
            message = f"{shortened(name)!r} is no part of weights"
            help = [suggestion(name, PARTS, f"there are {listed(PARTS)}")]
            found.error("bad-weights", message, reader.span(key), help=help)
    if "file" not in written:
        reader.error("the weights have no `file`", node, f"write for example `{EXAMPLE}`")
        return None
    file = reader.text(written["file"], "`file`")
    weights = Weights(
        file or "",
        reader.text(written["key"], "`key`") if "key" in written else None,
        reader.rename(written["rename"]) if "rename" in written else (),
        reader.texts(written["only"], "`only`") if "only" in written else (),
        reader.texts(written["fresh"], "`fresh`") if "fresh" in written else (),
        folder,
        spelling,
    )
    return None if found.failed else weights


def _file(name: str, spelling: Spelling) -> Weights:
    """
    Raises:
        SpecError: it names nothing.
    """
    if not name:
        raise SpecError([Diagnostic("bad-weights", "the name is empty", Location("<weights>"))])
    return Weights(name, spelling=spelling)


class _Reader:
    """Reads the parts of one argument; each finding is reported, and reading goes on."""

    def __init__(self, source: Source, found: Diagnostics) -> None:
        self.source = source
        self.found = found

    def span(self, node: Node) -> Span:
        return Span(self.source, node.start, node.end)

    def error(self, message: str, node: Node, *help: str) -> None:
        self.found.error("bad-weights", message, self.span(node), help=help)

    def text(self, node: Node, what: str) -> str | None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is int:  # a layer of a list: `0`
            value = str(value)
        if isinstance(value, str) and value and "\0" not in value:
            return value
        self.error(f"{what} takes a text, not {kind(node)}", node)
        return None

    def texts(self, node: Node, what: str) -> tuple[str, ...]:
        nodes = node.items if isinstance(node, ListNode) else (node,)
        read = [self.text(one, what) for one in nodes]
        if not read:
            self.error(f"{what} has no patterns", node, f"leave {what} out")
        return tuple([text for text in read if text is not None])

    def rename(self, node: Node) -> tuple[tuple[str, str], ...]:
        if not isinstance(node, MapNode):
            message = f"`rename` takes a mapping of regular expressions, not {kind(node)}"
            self.error(message, node, 'write for example `rename: {"^module\\\\.": ""}`')
            return ()
        read = []
        for key, value in node.entries:
            pattern = str(key.value)
            empty = isinstance(value, ScalarNode) and value.value in ("", None)
            replacement = "" if empty else self.text(value, f"`{shortened(pattern)}`")
            if replacement is None:
                continue
            if len(replacement) > MAX_KEY:
                message = f"a name in `rename` may have {MAX_KEY:,} letters"
                self.error(f"{message}, not {len(replacement):,}", value)
                continue
            try:
                re.compile(pattern).sub(replacement, "")
            except (re.error, IndexError, OverflowError, RecursionError) as problem:
                message = f"{shortened(pattern)!r} with {shortened(replacement)!r}: {problem}"
                self.error(f"`rename` takes regular expressions: {message}", key)
                continue
            read.append((pattern, replacement))
        return tuple(read)
