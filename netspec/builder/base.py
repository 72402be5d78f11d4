"""The builder without its layer methods, which follow from the registry."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

from netspec.api import build, plan
from netspec.builder.call_site import CallSite
from netspec.declaration import FromClass, LayerType, TensorType, UnreadableClass
from netspec.diagnostics import Diagnostics, Span, SpecError
from netspec.expansion import input_types, plan_item
from netspec.planning import Plan
from netspec.registry import Registry, default_registry
from netspec.source.values import ValueReader
from netspec.spec import Concat, Input, Item, Layers, Origin, Part, Residual, Spec
from netspec.spec.inputs import parse_input
from netspec.spec.parser import Parser

if TYPE_CHECKING:
    from torch import nn

Self = TypeVar("Self", bound="BaseBuilder")


class BaseBuilder:
    """A model that grows by calls; every call gives a new builder and leaves the old one as it is.

    ``Builder("N", 1, 28, 28)`` begins with the input's shape: numbers, and names for sizes that
    may be any number. Each call is checked with the shape that reaches it and raises SpecError
    with the line of the call.

    Args:
        shape: the input's sizes, with the batch: ``"N", 3, "H", "W"``.
        dtype: the input's dtype.
        sizes: what is known of named sizes: ``{"H": {"min": 32, "multiple_of": 32}}``.
        name: the model's name.
        registry: the layers there are; None for torch.nn's and those of installed plugins.

    Raises:
        SpecError: the input is wrong.
    """

    def __init__(
        self,
        *shape: int | str,
        dtype: str = "float32",
        sizes: Mapping[str, Mapping[str, int]] | None = None,
        name: str | None = None,
        registry: Registry | None = None,
    ) -> None:
        found = Diagnostics()
        site = CallSite(sys._getframe(1), type(self).__name__)
        values = {"shape": shape, "dtype": dtype, **(sizes or {})}
        node = ValueReader(site, found).node(values)
        given = None if found.failed else parse_input(node, Parser(site, found))
        if given is None:
            raise SpecError(found.all())
        self._name = name
        self._registry = registry or default_registry()
        self._input: Input | None = given
        self._origin = Origin(site, node, node, None)
        self._previous: BaseBuilder | None = None
        self._item: Item | None = None
        self._unnamed = 0
        self._type = self._input_type(given)

    def _input_type(self, given: Input) -> TensorType:
        found = Diagnostics()
        type = input_types((given,), {}, self._origin, found)[given.name]
        if type is None:
            raise SpecError(found.all())
        return type

    # ---- what has been built

    def spec(self) -> Spec:
        """The spec of the calls so far.

        Raises:
            SpecError: this builder is a branch inside another one's call.
        """
        first, items = self._walk()
        if first._input is None:
            raise TypeError("a branch is no model of its own: call spec() on the whole builder")
        return Spec((first._input,), Layers(items), self._name, origin=first._origin)

    def plan(self) -> Plan:
        """The plan of the calls so far: every shape, parameter and cost, without torch."""
        return plan(self.spec(), registry=self._registry)

    def build(self, *, device: str = "auto", seed: int | None = None) -> nn.Module:
        """The model as modules of torch; see ``netspec.build``."""
        return build(self.spec(), device=device, seed=seed, registry=self._registry)

    @property
    def output_shape(self) -> tuple[object, ...]:
        """The shape of what the last call gives; sizes are ints or exact expressions."""
        return self._type.shape

    # ---- adding

    def layer(
        self: Self,
        type: str,
        *,
        name: str | None = None,
        repeat: int | None = None,
        device: str | None = None,
        **arguments: object,
    ) -> Self:
        """Adds a layer by its name, with its own arguments.

        Raises:
            SpecError: there is no such layer, or it cannot be applied.
        """
        site = CallSite(sys._getframe(1), "layer")
        return self._add_layer(site, type, arguments, name, repeat, device)

    def layers(
        self: Self,
        body: Callable[[Self], Self],
        *,
        name: str | None = None,
        repeat: int | None = None,
        device: str | None = None,
    ) -> Self:
        """Adds a container: ``net.layers(lambda net: net.linear(512).relu(), name="stack")``.

        Raises:
            SpecError: ``repeat`` copies of it do not fit one after the other, or the name is
                taken.
        """
        frame = sys._getframe(1)
        return self._add_part(frame, "layers", self._branch(body), name, repeat, device)

    def residual(
        self: Self,
        body: Callable[[Self], Self],
        shortcut: Callable[[Self], Self] | None = None,
        *,
        name: str | None = None,
        repeat: int | None = None,
        device: str | None = None,
    ) -> Self:
        """Adds what a body makes of the value to the value, or to what ``shortcut`` makes of it.

        Raises:
            SpecError: the two shapes differ.
        """
        frame = sys._getframe(1)
        part = Residual(self._branch(body), self._branch(shortcut) if shortcut else Layers())
        if not part.body.items:
            site = CallSite(frame, "residual")
            _fail(site, "empty-residual", "the body of residual has no layers")
        return self._add_part(frame, "residual", part, name, repeat, device)

    def concat(
        self: Self,
        *branches: Callable[[Self], Self],
        dim: int = 1,
        name: str | None = None,
        repeat: int | None = None,
        device: str | None = None,
    ) -> Self:
        """Joins what several branches make of the value along ``dim``.

        Raises:
            SpecError: the shapes differ in another dim.
        """
        frame = sys._getframe(1)
        if not branches or type(dim) is not int:
            needs = "at least one branch" if not branches else f"a whole number as dim, not {dim!r}"
            _fail(CallSite(frame, "concat"), "bad-concat", f"concat needs {needs}")
        part = Concat(tuple(self._branch(branch) for branch in branches), dim)
        return self._add_part(frame, "concat", part, name, repeat, device)

    # ---- how

    def _layer_method(self: Self, layer_type: LayerType) -> Callable[..., Self]:
        """The method that adds a layer; its required arguments may stand without their names."""

        def add(
            *values: object,
            name: str | None = None,
            repeat: int | None = None,
            device: str | None = None,
            **arguments: object,
        ) -> Self:
            site = CallSite(sys._getframe(1), layer_type.name)
            try:
                by_position = positional(layer_type)
            except UnreadableClass as problem:
                message = f"{layer_type.name} cannot be used: {problem}"
                _fail(site, "unreadable-class", message)
            if len(values) > len(by_position):
                takes = ", ".join(by_position) or "no argument"
                _fail(site, "bad-call", f"{layer_type.name} takes {takes} without a name")
            given = dict(zip(by_position, values, strict=False))
            for argument in given:
                if argument in arguments:
                    _fail(site, "bad-call", f"{argument} of {layer_type.name} is given twice")
            given.update(arguments)
            # As it would be written: `linear: 512`.
            bare = list(given) == [layer_type.obvious_argument]
            written = next(iter(given.values())) if bare else given
            if isinstance(written, Mapping):
                written = given
            return self._add_layer(site, layer_type.name, written, name, repeat, device)

        add.__name__ = layer_type.name
        # A class is not imported for its description.
        is_class = isinstance(layer_type, FromClass)
        add.__doc__ = layer_type.summary if is_class else layer_type.description
        return add

    def _add_layer(
        self: Self,
        site: CallSite,
        type: str,
        arguments: object,
        name: str | None,
        repeat: int | None,
        device: str | None,
    ) -> Self:
        found = Diagnostics()
        item = _read_item(site, type, arguments, name, repeat, device, found)
        return self._with(item, found)

    def _add_part(
        self: Self,
        frame: FrameType,
        word: str,
        part: Part,
        name: str | None,
        repeat: int | None,
        device: str | None,
    ) -> Self:
        site = CallSite(frame, word)
        found = Diagnostics()
        # The branches are items already; the reserved keys are read beside a stand-in for them.
        keys = _read_item(site, "layer", None, name, repeat, device, found)
        return self._with(replace(keys, part=part), found)

    def _with(self: Self, item: Item, found: Diagnostics) -> Self:
        """A new builder with one more item, checked with the shape that reaches it."""
        self._refuse_taken(item, found)
        planned, unnamed = plan_item(
            item, self._type, self._unnamed, self._origin, self._registry, found
        )
        if planned is None or found.failed:
            raise SpecError(found.all())
        return self._next(item, planned.outputs[0], unnamed)

    def _refuse_taken(self, item: Item, found: Diagnostics) -> None:
        if item.name is not None:
            for earlier in self._walk()[1]:
                if earlier.name == item.name:
                    found.error(
                        "name-twice",
                        f"two children are called {item.name!r}",
                        item.origin.span(),
                        notes=[f"the first is at {earlier.origin.span().locate()}"],
                    )

    def _branch(self: Self, body: Callable[[Self], Self]) -> Layers:
        """The items that a function adds to a builder which begins at this one's value."""
        start = self._next(None, self._type, 0)
        start._previous = None
        end = body(start)
        if not isinstance(end, BaseBuilder) or end._walk()[0] is not start:
            raise TypeError("the function of a branch must give the builder that it was given")
        return Layers(end._walk()[1])

    def _next(self: Self, item: Item | None, type_: TensorType, unnamed: int) -> Self:
        following = object.__new__(type(self))
        following._name = self._name
        following._registry = self._registry
        following._origin = self._origin
        following._input = None
        following._previous = self
        following._item = item
        following._type = type_
        following._unnamed = unnamed
        return following

    def _walk(self) -> tuple[BaseBuilder, tuple[Item, ...]]:
        """The first builder of the chain, and all items in their order."""
        items: list[Item] = []
        builder: BaseBuilder = self
        while builder._previous is not None:
            if builder._item is not None:
                items.append(builder._item)
            builder = builder._previous
        return builder, tuple(reversed(items))


def positional(layer_type: LayerType) -> tuple[str, ...]:
    """The arguments that a call may give without their names: the required, or the obvious one."""
    if layer_type.required:
        return layer_type.required
    return () if layer_type.obvious_argument is None else (layer_type.obvious_argument,)


def _read_item(
    site: CallSite,
    type: str,
    arguments: object,
    name: str | None,
    repeat: int | None,
    device: str | None,
    found: Diagnostics,
) -> Item:
    """A call's values as an item, by the parser that reads YAML."""
    keys = {"name": name, "repeat": repeat, "device": device}
    written = {key: value for key, value in keys.items() if value is not None}
    node = ValueReader(site, found).node({**written, type: arguments})
    if found.failed:
        raise SpecError(found.all())
    return Parser(site, found).item(node, None)


def _fail(site: CallSite, code: str, message: str) -> NoReturn:
    found = Diagnostics()
    found.error(code, message, Span(site, 0, 0))
    raise SpecError(found.all())
