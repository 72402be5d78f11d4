"""The children of a container: layers, copies, blocks, and containers in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from netspec.budget import ITEM
from netspec.declaration.output import Shape
from netspec.diagnostics import listed
from netspec.expansion.blocks import block_environment, inside_block
from netspec.expansion.initialisers import layer_init, rule_init
from netspec.expansion.input_names import in_order
from netspec.expansion.values import Arguments, Environment, Skip, opened
from netspec.expansion.walk import Definition
from netspec.graph import Application, Graph, Init
from netspec.planning.planner import Known
from netspec.spec import COMPOSITES, Item, Keys, Layer, Layers, LayerTemplate, Origin, beside
from netspec.spec.words import INPUT
from netspec.templates import Template, brief

if TYPE_CHECKING:
    from netspec.expansion.scope import ScopeBuilder


class Request(NamedTuple):
    """A child that a scope asks for: an item under a name, for inputs of the types."""

    item: Item
    keys: Keys
    name: str
    types: tuple[Known, ...]
    names: Environment
    device: str | None
    input_names: tuple[str, ...] = ()  # of the types, where they are given by name


class Child(NamedTuple):
    """A planned child, with what its outputs are called; the body is None after an error.

    ``order`` are the places of the given values in the order of its inputs, where they have names.
    """

    body: Application | Graph | None
    outputs: tuple[str, ...]
    device: str | None = None
    init: Init | None = None
    order: tuple[int, ...] | None = None

    def ordered(self, given: tuple[int, ...]) -> tuple[int, ...]:
        """The given values in the order of its inputs."""
        return given if self.order is None else tuple([given[place] for place in self.order])


#: The classes of values that may be arguments as they are.
SCALARS = frozenset({int, float, str, bool, type(None)})
UNKNOWN = Child(None, ("output",))


def make_child(scope: ScopeBuilder, request: Request) -> Child:
    """The child of an item with its reserved keys; unknown after an error, which is reported."""
    try:
        return _single(scope, request) if request.item.repeat is None else _copies(scope, request)
    except Skip:
        return UNKNOWN


def _single(scope: ScopeBuilder, request: Request) -> Child:
    item, keys, name, types, names, device, input_names = request
    part = item.part
    if part.__class__ is Layer and scope.walk.definition(part.type) is None:
        layer = part
    elif isinstance(part, Layer | LayerTemplate):
        type, arguments = scope.arguments(part, names, types[0], item.origin)
        definition = scope.walk.definition(type, is_computed=isinstance(part, LayerTemplate))
        if definition is not None:
            if keys.init is not None:
                scope.found.error(
                    "misplaced-key",
                    beside.message("init", "block", type),
                    item.origin.key_span("init"),
                    help=[beside.advice("init", "block")],
                )
            return _block(scope, request, definition, arguments)
        at = item.origin.argument
        layer = scope.walk.planner.layer(
            type,
            tuple(
                [
                    (name, value if value.__class__ in SCALARS else scope.plain(value, at(name)))
                    for name, value in arguments
                ]
            ),
        )
    elif isinstance(part, Layers):
        return _container(scope, request, part)
    else:
        bare = replace(item, name=None, keys=None, device=None, repeat=None)
        return _container(scope, request, Layers((bare,)))
    path = scope.prefix + name
    order = None
    planner = scope.walk.planner
    registered = planner.registry.find(layer.type) if input_names else None
    if registered is not None and planner.is_readable(registered, item.origin.span()):
        type_ = registered.layer
        order = in_order(scope, request, type_.name, type_.inputs, type_.required_inputs)
        types = tuple([types[place] for place in order])
        input_names = tuple([input_names[place] for place in order])
    application = planner.apply(
        layer,
        item.origin,
        path,
        types,
        input_names,
        cast(Shape | None, keys.shape),
        names,
        scope.walk.blocks,
    )
    if application is None:
        return UNKNOWN
    if keys.init is not None:
        init: Init | None = layer_init(scope.walk, keys.init, application, item, names, path)
    else:
        init = rule_init(scope.walk, application)
    return Child(application, application.output_names, device, init, order)


def _copies(scope: ScopeBuilder, request: Request) -> Child:
    """One container of ``repeat`` copies, so that keys are predictable."""
    item, names, origin = request.item, request.names, request.item.origin
    span = origin.reserved("repeat")
    times = item.repeat
    if isinstance(times, Template):
        times = scope.value(times, names, request.types[0], span)
        if type(times) is not int or times < 0:
            message = f"`repeat` takes a whole number, but {item.repeat} is {brief(times)}"
            scope.found.error("bad-value", message, span)
            return UNKNOWN
    assert isinstance(times, int)
    if len(request.types) > 1:
        message = "copies in a row have one input each, not several"
        scope.found.error("misplaced-key", message, span)
        return UNKNOWN
    inner = scope.inner(request, Layers())
    inner.begin({INPUT: request.types[0]})
    with scope.walk.nested(origin):
        value = 0
        for index in range(times):
            scope.walk.count(origin, "repeat")
            scope.walk.budget.enter(origin, ITEM)
            inner_names, own = opened(names)
            own["index"] = index
            copy = Request(
                item,
                request.keys,
                str(index),
                (inner.types[value],),
                inner_names,
                request.device,
                input_names=() if index else request.input_names,
            )
            with scope.found.copy(inner.prefix + copy.name):
                child = _single(inner, copy)
            value = inner.called(copy.name, child, (value,), origin)
        inner.last = value
    return _finished(inner, request)


def _container(
    scope: ScopeBuilder, request: Request, layers: Layers, written: Origin | None = None
) -> Child:
    """A scope of its own: nested layers, a block, or a composite that has a name.

    ``written`` is where a block is written, which is not where it is used.
    """
    origin, types = request.item.origin, request.types
    inputs = layers.inputs or (INPUT,)
    if layers.inputs == () and len(types) > 1 and len(layers.items) == 1:
        part = layers.items[0].part
        if part.__class__ in COMPOSITES:  # a merge with a name, of several values
            inputs = tuple(str(number) for number in range(len(types)))
    if request.input_names:
        order = in_order(scope, request, "this container", inputs, len(inputs))
        types = tuple([types[place] for place in order])
        child = _container(scope, request._replace(types=types, input_names=()), layers, written)
        return child._replace(order=order)
    if len(inputs) != len(types):
        gets = f"{len(types)} values" if len(types) > 1 else "one value"
        scope.found.error(
            "wrong-inputs",
            f"this container takes {listed(inputs)}, but gets {gets}",
            origin.reserved("from"),
            help=[
                f"name where they come from: `from: [{', '.join(inputs)}]`"
                if len(inputs) > 1
                else "name what it gets: `inputs: [a, b]` beside `layers`"
            ],
        )
        return UNKNOWN
    inner = scope.inner(request, layers, written)
    inner.begin(dict(zip(inputs, types, strict=True)))
    with scope.walk.nested(origin):
        inner.run(request.names)
    return _finished(inner, request)


def _block(
    scope: ScopeBuilder, request: Request, definition: Definition, arguments: Arguments
) -> Child:
    """An instance of a block, a scope of its own."""
    walk, origin, block = scope.walk, request.item.origin, definition.block
    with inside_block(walk, definition, origin) as may_enter:
        if not may_enter:
            return UNKNOWN
        names = block_environment(walk, block, arguments, origin, request.types[0])
        if names is None:
            return UNKNOWN
        return _container(scope, request._replace(names=names), block.layers, block.origin)


def _finished(inner: ScopeBuilder, request: Request) -> Child:
    graph = inner.finish(request.names)
    return UNKNOWN if graph is None else Child(graph, graph.results.names, request.device)
