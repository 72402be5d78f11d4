"""The Spec: what was written, as frozen values that compare by content, not by position."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from netspec.diagnostics import Source, Span
from netspec.source import ListNode, MapNode, Node
from netspec.templates import Template

Value = None | bool | int | float | str | tuple["Value", ...]
#: A value as it is written: it may be computed from others.
Written = None | bool | int | float | str | Template | tuple["Written", ...]
Name = str | Template


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

    def input_name(self, name: str) -> Span:
        """The name of an input (``from: {query: x}``), where the name itself is wrong."""
        if isinstance(self.item, MapNode):
            for key, value in self.item.entries:
                if key.value == "from" and isinstance(value, MapNode):
                    for inner, _ in value.entries:
                        if str(inner.value) == name:
                            return Span(self.source, inner.start, inner.end)
        return self.reserved("from")

    def states(self, name: str) -> bool:
        """Whether the reserved key stands beside the word."""
        return isinstance(self.item, MapNode) and any(
            key.value == name for key, _ in self.item.entries
        )

    def key_span(self, name: str) -> Span:
        """A reserved key itself, where it is wrong to write it."""
        if isinstance(self.item, MapNode):
            for key, _ in self.item.entries:
                if key.value == name:
                    return Span(self.source, key.start, key.end)
        return self.span()

    def reserved(self, name: str, place: int | None = None) -> Span:
        """The value of a reserved key beside the word (``device: cuda``).

        ``place`` is that of one value among several (``from: [a, b]``).
        """
        if isinstance(self.item, MapNode):
            for key, value in self.item.entries:
                if key.value == name:
                    shown = value if place is None else _entry(value, place)
                    return Span(self.source, shown.start, shown.end)
        if name == "name" and self.key is not None:
            return Span(self.source, self.key.start, self.key.end)
        return self.span()


def _entry(node: Node, place: int) -> Node:
    """One of the values of a list or mapping; the node itself where it is neither."""
    if isinstance(node, ListNode):
        return node.items[place]
    return node.entries[place][1] if isinstance(node, MapNode) else node


class Layer(NamedTuple):
    """A layer of the registry, or an instance of a block, with values for arguments.

    An argument without a name is the one obvious argument.
    """

    type: str
    arguments: tuple[tuple[str | None, Value], ...] = ()


class LayerTemplate(NamedTuple):
    """A layer or block whose name or arguments are computed where it stands."""

    type: Name
    arguments: tuple[tuple[str | None, Written], ...] = ()


class Outputs(NamedTuple):
    """What a container gives. ``keys`` name the values where they were written as a mapping.

    ``single`` is one value that stands for itself.
    """

    names: tuple[Name, ...]
    keys: tuple[str, ...] | None = None
    single: bool = False


class Layers(NamedTuple):
    """Items one after the other: a scope where it stands for itself, else a branch of one.

    ``inputs`` names what the scope gets (nothing is one value called ``input``), ``outputs``
    what it gives (None is what the last item gave), ``auxiliary`` what it gives besides in
    training, and ``register`` the children that come first, whenever they are called.
    """

    items: tuple[Item, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: Outputs | None = None
    auxiliary: Outputs | None = None
    register: tuple[Name, ...] = ()


class Residual(NamedTuple):
    """The sum of a body's output and a shortcut's; an empty shortcut is the input itself.

    What was written first is called first and is the first operand.
    """

    body: Layers
    shortcut: Layers = Layers()
    shortcut_first: bool = False


class Scale(NamedTuple):
    """What a body makes of the input, times the input."""

    body: Layers


class Concat(NamedTuple):
    """The outputs of branches that all get the same input, joined along ``dim``.

    Without branches it joins the values that ``from`` names.
    """

    branches: tuple[Layers, ...]
    dim: Written = 1


# A dataclass, as it must not equal a Concat of the same branches, which is a tuple.
@dataclass(frozen=True, slots=True)
class Split:
    """The input in equal parts along ``dim``, one for each branch, joined again."""

    branches: tuple[Layers, ...]
    dim: Written = 1


class Merge(NamedTuple):
    """An operator (``kind``) applied to branches, or to what ``from`` names."""

    kind: str
    branches: tuple[Layers, ...] = ()


class Each(NamedTuple):
    """Layers that are written out for every entry of a list, into the scope around them.

    ``names`` is one name for the entry, or (``unpacks``) one for each value of a row.
    """

    entries: Written
    layers: Layers
    names: tuple[str, ...] = ()
    unpacks: bool = False


class Use(NamedTuple):
    """An earlier child, called again with the same weights."""

    child: Name


@dataclass(frozen=True, slots=True)
class Initialiser:
    """How the values of a parameter begin: a function of ``torch.nn.init``, or of a plugin.

    ``origin`` is where its name is written; a number, which is a constant, needs none.
    """

    name: str
    arguments: tuple[tuple[str, Written], ...] = ()
    origin: Origin | None = field(default=None, kw_only=True, compare=False, repr=False)


Init = tuple[tuple[str, Initialiser], ...]


class RawParameter(NamedTuple):
    """A parameter of the scope itself, whose key has no suffix."""

    shape: tuple[Written, ...]
    init: Initialiser = Initialiser("zeros")


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing but what ``from`` names."""


Part = (
    Layer
    | LayerTemplate
    | Layers
    | Residual
    | Scale
    | Concat
    | Split
    | Merge
    | Each
    | Use
    | RawParameter
    | Pass
)
#: The parts that wire layers of the scope around them.
COMPOSITES = frozenset({Residual, Scale, Concat, Split, Merge, Each})


class Keys(NamedTuple):
    """The reserved keys that few items have.

    ``input_names`` are what ``from`` calls the values where it is a mapping, one for each.
    ``shape`` states what the item gives; a text in it names a size of the input. ``freeze`` says
    whether its parameters are left out of training; None is what is said around it.
    """

    when: Written = True
    inputs: tuple[Name, ...] = ()
    let: tuple[tuple[str, Written], ...] = ()
    init: Init | None = None  # nothing in it is torch's own beginning
    input_names: tuple[str, ...] = ()
    shape: tuple[Written, ...] | None = None
    freeze: bool | Template | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A part with the reserved keys that stand beside it.

    ``repeat=n`` is a container of n copies, named ``0`` to ``n - 1``.
    """

    part: Part
    name: Name | None = None
    repeat: int | Template | None = None
    device: Name | None = None
    keys: Keys | None = None
    origin: Origin = field(kw_only=True, compare=False, repr=False)


class SizeRange(NamedTuple):
    """What ``input`` states of a named size: ``H: {min: 32, max: 512, multiple_of: 32}``."""

    name: str
    min: int | None = None
    max: int | None = None
    multiple_of: int = 1


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that the model gets; a size is a number, a name, or computed from params."""

    shape: tuple[int | str | Template, ...]
    dtype: str = "float32"
    sizes: tuple[SizeRange, ...] = ()
    name: str = "input"


@dataclass(frozen=True, slots=True)
class Param:
    """A name with a default value; ``is_given`` false where a value must come from outside."""

    name: str
    value: Written = None
    is_given: bool = True
    span: Span = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """A named set of values for params."""

    name: str
    values: tuple[Param, ...]
    span: Span = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """Layers with a name and params of their own, used as a layer is."""

    name: str
    layers: Layers
    params: tuple[Param, ...] = ()
    let: tuple[Param, ...] = ()
    origin: Origin = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InitRule:
    """How the weights of all layers of a kind begin."""

    type: str
    init: Init
    span: Span = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tie:
    """Two parameters, by their keys in ``state_dict``, that are one."""

    parameter: str
    source: str
    span: Span = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that has to be installed, as pip would be told: ``netspec-torchvision>=0.1``."""

    text: str
    span: Span = field(kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole model, as written. Equal specs say the same, wherever they were written."""

    inputs: tuple[Input, ...]
    layers: Layers
    name: str | None = None
    version: int = 1
    requires: tuple[Requirement, ...] = ()
    params: tuple[Param, ...] = ()
    variants: tuple[Variant, ...] = ()
    blocks: tuple[Block, ...] = ()
    init: tuple[InitRule, ...] = ()
    tie: tuple[Tie, ...] = ()
    freeze: tuple[str, ...] = ()
    origin: Origin = field(kw_only=True, compare=False, repr=False)

    def __repr__(self) -> str:
        """One line; ``print`` shows the spec as YAML."""
        from netspec.spec.summary import spec_summary

        return f"<Spec {spec_summary(self)}>"

    def __str__(self) -> str:
        return self.to_yaml()

    def _repr_html_(self) -> str:
        from netspec.render.html import text_html  # which renders plans, too

        return text_html(self.to_yaml())

    def to_yaml(self) -> str:
        """The spec as text; ``netspec.loads`` reads it back to an equal spec."""
        from netspec.spec.writer import to_yaml

        return to_yaml(self)

    def with_variant(self, variant: Variant) -> Spec:
        """The spec of one variant: its values are the params' defaults."""
        given = {value.name: value for value in variant.values}
        params = tuple(
            replace(
                param, value=given[param.name].value, is_given=True, span=given[param.name].span
            )
            if param.name in given
            else param
            for param in self.params
        )
        return replace(self, params=params, variants=(), name=self.name or variant.name)
