"""The Spec: what was written, as frozen values that compare by content, not by position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from netspec.diagnostics import Source, Span
from netspec.source import MapNode, Node

Value = None | bool | int | float | str | tuple["Value", ...]


class Origin(NamedTuple):
    """Where an item was written: the whole of it, the word that says what it is, its arguments,
    and the key that names it where it stands in a mapping."""

    source: Source
    item: Node
    word: Node
    arguments: Node | None
    key: Node | None = None

    def span(self) -> Span:
        """The word that says what the item is (``linear``)."""
        return Span(self.source, self.word.start, self.word.end)

    def argument(self, name: str | None) -> Span:
        """The value of an argument; the whole of the arguments for ``None``."""
        node = self.arguments
        if node is None:
            return self.span()
        if name is not None and isinstance(node, MapNode):
            for key, value in node.entries:
                if key.value == name:
                    shown = value if value.end > value.start else key  # `bias:` has no value
                    return Span(self.source, shown.start, shown.end)
            return self.span()
        return Span(self.source, node.start, node.end)

    def argument_name(self, name: str) -> Span:
        """The name of an argument, where the name itself is wrong."""
        if isinstance(self.arguments, MapNode):
            for key, _ in self.arguments.entries:
                if key.value == name:
                    return Span(self.source, key.start, key.end)
        return self.span()

    def states(self, name: str) -> bool:
        """Whether the reserved key stands beside the word."""
        return isinstance(self.item, MapNode) and any(
            key.value == name for key, _ in self.item.entries
        )

    def reserved(self, name: str) -> Span:
        """The value of a reserved key beside the word (``device: cuda``)."""
        if isinstance(self.item, MapNode):
            for key, value in self.item.entries:
                if key.value == name:
                    return Span(self.source, value.start, value.end)
        if name == "name" and self.key is not None:
            return Span(self.source, self.key.start, self.key.end)
        return self.span()


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the registry. An argument without a name is the layer's one obvious argument."""

    type: str
    arguments: tuple[tuple[str | None, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Layers:
    """Items one after the other: a scope where it stands for itself, else a branch of one."""

    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Residual:
    """The sum of a body's output and a shortcut's; an empty shortcut is the input itself."""

    body: Layers
    shortcut: Layers = Layers()


@dataclass(frozen=True, slots=True)
class Concat:
    """The outputs of branches that all get the same input, joined along ``dim``."""

    branches: tuple[Layers, ...]
    dim: int = 1


Part = Layer | Layers | Residual | Concat


@dataclass(frozen=True, slots=True)
class Item:
    """A part with the reserved keys that stand beside it.

    ``repeat=n`` is a container of n copies, named ``0`` to ``n - 1``.
    """

    part: Part
    name: str | None = None
    repeat: int | None = None
    device: str | None = None
    origin: Origin = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SizeRange:
    """What ``input`` states of a named size: ``H: {min: 32, max: 512, multiple_of: 32}``."""

    name: str
    min: int | None = None
    max: int | None = None
    multiple_of: int = 1


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that the model gets; a size is a number or a name."""

    shape: tuple[int | str, ...]
    dtype: str = "float32"
    sizes: tuple[SizeRange, ...] = ()
    name: str = "input"


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole model, as written. Equal specs say the same, wherever they were written."""

    inputs: tuple[Input, ...]
    layers: Layers
    name: str | None = None
    version: int = 1
    origin: Origin = field(kw_only=True, compare=False, repr=False)

    def to_yaml(self) -> str:
        """The spec as text; ``netspec.loads`` reads it back to an equal spec."""
        from netspec.spec.writer import to_yaml

        return to_yaml(self)
