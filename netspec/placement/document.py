"""A placement document: nodes to frozen values, with a position for each word."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from netspec.diagnostics import Diagnostics, Source, Span, SpecError
from netspec.placement.layout import Mesh
from netspec.source import MapNode, Node, ScalarNode, read_file, read_text, read_value
from netspec.source.nodes import kind, shortened
from netspec.spec import Layer, Origin
from netspec.spec.parser import Parser

VERSION = 1
MAX_RANKS = 1_000_000
#: The keys of a document that are no strategies.
OWN_WORDS = ("placement", "mesh")


class Entry(NamedTuple):
    """One strategy as it is written: its word with settings, and where."""

    written: Layer
    origin: Origin


@dataclass(frozen=True)
class Placement:
    """What was written: the mesh, and the strategies in the order of the text."""

    mesh: Mesh
    entries: tuple[Entry, ...]
    origin: Origin = field(repr=False, compare=False)

    def mesh_span(self) -> Span:
        """Where the mesh is written."""
        return self.origin.reserved("mesh")


def read_placement(written: Mapping[str, object] | str | os.PathLike[str]) -> Placement:
    """A placement from a file, a text with a line break, or a dict.

    Raises:
        SpecError: it cannot be read, or is no placement.
    """
    found = Diagnostics()
    source: Source
    if isinstance(written, Mapping):
        source, root = read_value(written, "<placement>", found)
    elif isinstance(written, str) and "\n" in written:
        source, root = read_text(written, "<placement>", found)
    else:
        source, root = read_file(written, found)
    placement = None if root is None else _document(source, root, found)
    if placement is None or found.failed:
        raise SpecError(found.all())
    return placement


def _document(source: Source, root: Node, found: Diagnostics) -> Placement | None:
    parser = Parser(source, found)
    if not isinstance(root, MapNode):
        message = f"a placement is a mapping of strategies, not {kind(root)}"
        parser.error("bad-placement", message, root, "begin with `placement: 1`")
        return None
    mesh = Mesh()
    entries = []
    has_version = False
    for key, value in root.entries:
        word = str(key.value)
        if word == "placement":
            has_version = True
            _version(parser, value)
        elif word == "mesh":
            mesh = _mesh(parser, value)
        else:
            part = parser.part(key, value)
            if isinstance(part, Layer):
                entries.append(Entry(part, Origin(source, root, key, value)))
            else:
                parser.error("bad-placement", f"{shortened(word)!r} is no strategy", key)
    if not has_version:
        first = root.entries[0][0] if root.entries else root
        help = "add `placement: 1`, the version of the document, as the first line"
        parser.error("missing-key", "the placement has no `placement`", first, help)
    return Placement(mesh, tuple(entries), Origin(source, root, root, None))


def _version(parser: Parser, node: Node) -> None:
    value = node.value if isinstance(node, ScalarNode) else None
    if type(value) is not int or value != VERSION:
        parser.error(
            "bad-version",
            f"this netspec reads version {VERSION} of placements, not {kind(node)}",
            node,
            f"write `placement: {VERSION}`",
        )


def _mesh(parser: Parser, node: Node) -> Mesh:
    """``{dp: 2, tp: 4}``"""
    if not isinstance(node, MapNode):
        message = f"`mesh` takes a mapping of axes to numbers of ranks, not {kind(node)}"
        parser.error("bad-placement", message, node, "write for example `mesh: {dp: 2, tp: 4}`")
        return Mesh()
    axes: dict[str, int] = {}
    for key, value in node.entries:
        if parser.value_name(key):
            what = f"the axis {key.value}"
            axes[str(key.value)] = parser.whole_number(value, what, 1, MAX_RANKS, 1)
    mesh = Mesh(axes)
    if mesh.ranks > MAX_RANKS:
        parser.error("bad-placement", f"the mesh has {mesh.ranks:,} ranks", node)
    return mesh
