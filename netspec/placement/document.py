"""A placement document: nodes to frozen values, with a position for each word."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from netspec.diagnostics import Diagnostics, Instead, Line, Source, Span, SpecError, fix
from netspec.placement.layout import Mesh
from netspec.source import MapNode, Node, ScalarNode, read_file, read_text, read_value
from netspec.source.nodes import kind, shortened
from netspec.spec import Layer, Origin
from netspec.spec.parser import Parser
from netspec.weights.argument import Weights, weights_of

VERSION = 1
AUTO = "auto"
MAX_RANKS = 1_000_000
#: The keys of a document that are no strategies.
OWN_WORDS = ("placement", "mesh", "weights")


class Entry(NamedTuple):
    """One strategy as it is written: its word with settings, and where."""

    written: Layer
    origin: Origin


@dataclass(frozen=True)
class Placement:
    """What was written: the mesh, the strategies in the order of the text, and the weights."""

    mesh: Mesh
    entries: tuple[Entry, ...]
    origin: Origin = field(repr=False, compare=False)
    weights: Weights | None = None

    def mesh_span(self) -> Span:
        """Where the mesh is written."""
        return self.origin.reserved("mesh")

    def span_of(self, value: str) -> Span:
        """Where a word is written as a setting of a strategy, or as the name of one."""
        for entry in self.entries:
            for name, written in entry.written.arguments:
                values = written if isinstance(written, tuple) else (written,)
                if value in values:
                    return entry.origin.argument(name)
                if name == value:
                    return entry.origin.argument_name(name)
        return self.origin.span()


def read_placement(
    written: Mapping[str, object] | str | os.PathLike[str], ranks: int | None = None
) -> Placement:
    """A placement from a file, a text with a line break, or a dict.

    Args:
        ranks: how many there are; fills up the axis of the mesh that is ``auto``.

    Raises:
        SpecError: it cannot be read, or is no placement.
    """
    found = Diagnostics()
    source: Source
    folder = ""  # that files are relative to
    if isinstance(written, Mapping):
        source, root = read_value(written, "<placement>", found)
    elif isinstance(written, str) and "\n" in written:
        source, root = read_text(written, "<placement>", found)
    else:
        source, root = read_file(written, found)
        folder = os.path.dirname(os.fsdecode(written))
    placement = None if root is None else _document(source, root, ranks, folder, found)
    if placement is None or found.failed:
        raise SpecError(found.all())
    return placement


def require_one_process(placement: Placement) -> None:
    """
    Raises:
        SpecError: the placement is for a mesh of processes.
    """
    if not placement.mesh.axes:
        return
    found = Diagnostics()
    found.error(
        "wrong-ranks",
        f"the mesh has {placement.mesh.ranks} ranks, but build makes the model of one process",
        placement.mesh_span(),
        help=["call netspec.distribute in each process, as torchrun starts them"],
    )
    raise SpecError(found.all())


def require_ranks(placement: Placement, ranks: int) -> None:
    """
    Raises:
        SpecError: the mesh is one of more or fewer ranks.
    """
    if placement.mesh.ranks == ranks:
        return
    found = Diagnostics()
    found.error(
        "wrong-ranks",
        f"the mesh has {placement.mesh.ranks:,} ranks, but there are {ranks:,}",
        placement.mesh_span(),
        help=["write `auto` for the axis that takes all others"],
    )
    raise SpecError(found.all())


def _document(
    source: Source, root: Node, ranks: int | None, folder: str, found: Diagnostics
) -> Placement | None:
    parser = Parser(source, found)
    if not isinstance(root, MapNode):
        message = f"a placement is a mapping of strategies, not {kind(root)}"
        parser.error("bad-placement", message, root, "begin with `placement: 1`")
        return None
    mesh = Mesh()
    entries = []
    has_version = False
    weights = None
    for key, value in root.entries:
        word = str(key.value)
        if word == "placement":
            has_version = True
            _version(parser, value)
        elif word == "mesh":
            mesh = _mesh(parser, value, ranks)
        elif word == "weights":
            weights = weights_of(value, source, found, folder=folder, spelling="placement")
        else:
            # `freeze` is a word in both documents.
            own = word == "freeze"
            part = parser.layer(key, word, value) if own else parser.part(key, value)
            if isinstance(part, Layer):
                entries.append(Entry(part, Origin(source, root, key, value)))
            else:
                parser.error("bad-placement", f"{shortened(word)!r} is no strategy", key)
    if not has_version:
        first = root.entries[0][0] if root.entries else root
        message = "add `placement: 1`, the version of the document, as the first line"
        help: Line = message
        if root.entries and root.start == first.start:
            edit = (Span(source, first.start, first.start), f"placement: {VERSION}\n")
            help = fix(message, edit)
        parser.error("missing-key", "the placement has no `placement`", first, help)
    return Placement(mesh, tuple(entries), Origin(source, root, root, None), weights)


def _version(parser: Parser, node: Node) -> None:
    value = node.value if isinstance(node, ScalarNode) else None
    if type(value) is not int or value != VERSION:
        parser.error(
            "bad-version",
            f"this netspec reads version {VERSION} of placements, not {kind(node)}",
            node,
            Instead(f"write `placement: {VERSION}`", str(VERSION)),
        )


def _mesh(parser: Parser, node: Node, ranks: int | None) -> Mesh:
    """``{dp: 2, tp: 4}``, ``{dp: auto, tp: 4}``, or ``auto`` for one axis ``dp``."""
    entries: Sequence[tuple[ScalarNode, Node]]
    if isinstance(node, ScalarNode) and node.value == AUTO:
        entries = [(node._replace(value="dp"), node)]
    elif isinstance(node, MapNode):
        entries = node.entries
    else:
        message = f"`mesh` takes a mapping of axes to numbers of ranks, not {kind(node)}"
        help: Line = "write for example `mesh: {dp: 2, tp: 4}`"
        if isinstance(node, ScalarNode) and type(node.value) is int and node.value > 0:
            written = f"{{dp: {node.value}}}"
            help = Instead(f"its axes have names: `mesh: {written}`", written, is_certain=False)
        parser.error("bad-placement", message, node, help)
        return Mesh()
    axes: dict[str, int] = {}
    open_axis: tuple[str, Node] | None = None
    for key, value in entries:
        if not parser.value_name(key):
            continue
        name = str(key.value)
        if isinstance(value, ScalarNode) and value.value in (AUTO, None):
            if open_axis is not None:
                parser.error("bad-placement", f"{open_axis[0]} is {AUTO!r} already", value)
            open_axis = (name, value)
            axes[name] = 1
        else:
            axes[name] = parser.whole_number(value, f"the axis {name}", 1, MAX_RANKS, 1)
    if open_axis is not None:
        axes[open_axis[0]] = _filled(parser, open_axis, Mesh(axes).ranks, ranks)
    mesh = Mesh(axes)
    if mesh.ranks > MAX_RANKS:
        parser.error("bad-placement", f"the mesh has {mesh.ranks:,} ranks", node)
    return mesh


def _filled(parser: Parser, axis: tuple[str, Node], others: int, ranks: int | None) -> int:
    """How many ranks are left for the axis that takes them all."""
    name, node = axis
    if ranks is None:
        message = f"the axis {name} is {AUTO!r}, but the number of ranks is not known"
        parser.error("bad-placement", message, node, f"write a number: `{name}: 2`")
        return 1
    if ranks % others:
        message = f"{ranks:,} ranks are no multiple of the {others:,} of the other axes"
        parser.error("bad-placement", message, node)
        return 1
    return ranks // others
