"""The Plan: a model with every shape, parameter and cost known, as frozen values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostic, Span
from netspec.graph import (
    Application,
    Condition,
    Graph,
    Init,
    Initialiser,
    Node,
    OwnParameter,
    Parameter,
    Trust,
)
from netspec.graph import Value as GraphValue
from netspec.sizes import Size
from netspec.spec import Origin, Value, Written

if TYPE_CHECKING:
    from netspec.registry import Registry


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """One call of a layer: a row of the plan. ``path`` is the prefix of its state_dict keys.

    ``is_reused`` is a further call of a layer that has a row already. ``init`` says how its
    parameters begin, by its own ``init`` or by the rule for its kind; None is torch's own way.
    """

    path: str
    name: str
    application: Application = field(repr=False)
    device: str | None
    origin: Origin = field(repr=False, compare=False)
    is_reused: bool = False
    init: Init | None = field(default=None, repr=False)

    @property
    def type(self) -> str:
        """The layer's name in the registry (``conv2d``)."""
        return self.application.type.name

    @property
    def arguments(self) -> Mapping[str, Value]:
        """All arguments; inferred ones and defaults are filled in."""
        return self.application.arguments

    @property
    def inputs(self) -> tuple[TensorType, ...]:
        return self.application.inputs

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.application.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.application.outputs[0].shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.application.parameters

    @property
    def buffers(self) -> tuple[Parameter, ...]:
        return self.application.buffers

    @property
    def params(self) -> int:
        """The number of values in the layer's parameters; none where it has a row already."""
        return 0 if self.is_reused else self.application.parameter_count

    @property
    def buffer_numel(self) -> int:
        """The number of values in the layer's buffers; none where it has a row already."""
        return 0 if self.is_reused else self.application.buffer_count

    @property
    def macs(self) -> Size:
        """Multiply-adds of one forward pass."""
        return self.application.macs

    @property
    def trust(self) -> Trust:
        """What its shapes are known from."""
        return self.application.trust

    @property
    def output_bytes(self) -> Size:
        """The bytes of all outputs of this call; those of a view are its input's."""
        total: Size = 0
        for output in self.outputs:
            total = total + output.nbytes
        return total


@dataclass(frozen=True, slots=True)
class PlannedParameter:
    """A parameter of a container itself; ``path`` is its key in ``state_dict``."""

    path: str
    name: str
    shape: tuple[int, ...]
    init: Initialiser
    origin: Origin = field(repr=False, compare=False)
    device: str | None = None

    @property
    def numel(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class PlannedScope:
    """A container at its place in the model: its graph, under its path."""

    path: str
    name: str
    graph: Graph = field(repr=False)
    device: str | None
    origin: Origin = field(repr=False, compare=False)
    is_reused: bool = False

    @property
    def children(self) -> tuple[PlannedChild, ...]:
        """The layers and containers in it, in the order of registration."""
        graph, prefix = self.graph, f"{self.path}." if self.path else ""
        return tuple(
            [
                planned_child(prefix, graph.nodes[at], graph.origins[at], self.is_reused)
                for at in graph.child_places
            ]
        )

    @property
    def parameters(self) -> tuple[PlannedParameter, ...]:
        """Its own parameters."""
        graph, prefix = self.graph, f"{self.path}." if self.path else ""
        return tuple(
            [
                planned_parameter(prefix, node, origin)
                for node, origin in zip(graph.nodes, graph.origins, strict=True)
                if isinstance(node.body, OwnParameter)
            ]
        )

    @property
    def inputs(self) -> tuple[TensorType, ...]:
        return tuple([value.type for value in self.graph.inputs])

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.graph.outputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """What its outputs are called, where there are several."""
        return self.graph.results.names

    @property
    def params(self) -> int:
        """The number of values in all parameters; none where it has been called before."""
        return 0 if self.is_reused else self.graph.parameter_count


PlannedChild = PlannedLayer | PlannedScope


def planned_child(prefix: str, node: Node, origin: Origin, is_reused: bool = False) -> PlannedChild:
    """The layer or container that a node calls, in a container of this path."""
    path, again = prefix + node.name, is_reused or node.is_again
    if isinstance(node.body, Graph):
        return PlannedScope(path, node.name, node.body, node.device, origin, again)
    return planned_layer(prefix, node, origin, is_reused)


def planned_layer(prefix: str, node: Node, origin: Origin, is_reused: bool = False) -> PlannedLayer:
    """The row of a layer that a node calls, in a container of this path."""
    assert isinstance(node.body, Application)
    again = is_reused or node.is_again
    path = prefix + node.name
    return PlannedLayer(path, node.name, node.body, node.device, origin, again, node.init)


def planned_parameter(prefix: str, node: Node, origin: Origin) -> PlannedParameter:
    """The parameter of a container of this path that a node makes a value of."""
    assert isinstance(node.body, OwnParameter)
    own, path = node.body, prefix + node.name
    return PlannedParameter(path, node.name, own.shape, own.init, origin, node.device)


class RuleInitialiser(NamedTuple):
    """An initialiser of a rule; a Template is computed from the arguments of each module."""

    name: str
    target: str
    arguments: tuple[tuple[str, Written], ...] = ()
    brought_by: str = ""


@dataclass(frozen=True, slots=True)
class PlannedInitRule:
    """How the parameters of modules of a class begin that are inside of layers.

    Those of the plan's own rows are in ``PlannedLayer.init``. ``type`` is the layer whose class it
    is for. Templates may use the ``arguments`` that a module of the class has, and the ``values``
    of the spec that they name.
    """

    type: str
    target: str
    init: tuple[tuple[str, RuleInitialiser], ...]
    arguments: tuple[str, ...]
    values: tuple[tuple[str, Value], ...]
    span: Span = field(compare=False, repr=False)


class PlannedTie(NamedTuple):
    """All keys of ``state_dict`` that hold one parameter; no key is in two ties.

    ``source`` is the key that the spec ties to no other: its layer initialises the parameter.
    ``others`` are the rest, in the order of the spec.
    """

    source: str
    others: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the source first."""
        return (self.source, *self.others)


class SavedForBackward(NamedTuple):
    """The bytes that autograd keeps for the backward pass, as torch's saved_tensors_hooks see them.

    ``layers`` are what each row of ``Plan.layers`` adds. A tensor that several save, or whose
    views are saved, counts once, at the first of them. ``total`` has also what merges save.
    Parameters and buffers are not counted.
    """

    layers: tuple[Size, ...]
    total: Size


@dataclass(frozen=True)
class Plan:
    """A checked model. Sizes are ints, or exact expressions of the input's named sizes."""

    name: str | None
    graph: Graph = field(repr=False)
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)
    init: tuple[PlannedInitRule, ...] = field(default=(), repr=False)
    ties: tuple[PlannedTie, ...] = ()
    #: The keys in ``state_dict`` of the parameters that are not trained.
    frozen: frozenset[str] = field(default=frozenset(), repr=False)
    origin: Origin = field(kw_only=True, repr=False, compare=False)

    def __repr__(self) -> str:
        from netspec.render import plan_summary  # which renders plans

        return f"<Plan {plan_summary(self)}>"

    def __str__(self) -> str:
        """The table of ``netspec show``."""
        from netspec.render import plan_table, terminal_width

        return plan_table(self, terminal_width())

    def _repr_html_(self) -> str:
        from netspec.render import plan_html

        return plan_html(self)

    @property
    def inputs(self) -> tuple[GraphValue, ...]:
        """The inputs of the model, with their names and types."""
        return self.graph.inputs

    @cached_property
    def layers(self) -> tuple[PlannedLayer, ...]:
        """One row for each call of a layer, in the order of the forward pass."""
        return tuple(
            [
                planned_layer(prefix, node, origin, again)
                for prefix, node, origin, again in self.graph.walk()
                if isinstance(node.body, Application)
            ]
        )

    @cached_property
    def parameters(self) -> tuple[PlannedParameter, ...]:
        """The parameters of the containers themselves."""
        return tuple(
            [
                planned_parameter(prefix, node, origin)
                for prefix, node, origin, again in self.graph.walk()
                if isinstance(node.body, OwnParameter) and not again
            ]
        )

    @property
    def root(self) -> PlannedScope:
        """The container of the whole model."""
        return PlannedScope("", "", self.graph, None, self.origin)

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.graph.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.graph.outputs[0].shape

    @property
    def total_params(self) -> int:
        """The number of values in all parameters; tied and shared ones are counted once."""
        tied = sum(math.prod(tie.shape) * len(tie.others) for tie in self.ties)
        return self.graph.parameter_count - tied

    @property
    def trained_params(self) -> int:
        """The number of values in the parameters that are not frozen."""
        others = {other for tie in self.ties for other in tie.others}
        frozen = sum(own.numel for own in self.parameters if own.path in self.frozen - others)
        if self.frozen:
            frozen += sum(
                parameter.numel
                for row in self.layers
                if not row.is_reused
                for parameter in row.parameters
                if (key := f"{row.path}.{parameter.name}") in self.frozen and key not in others
            )
        return self.total_params - frozen

    @property
    def total_buffer_numel(self) -> int:
        """The number of values in all buffers."""
        return self.graph.buffer_count

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The types of layers whose multiply-adds are not known, and not in ``total_macs``."""
        unknown = [one.type.name for one in self.graph.applications() if not one.is_counted]
        return tuple(dict.fromkeys(unknown))

    @property
    def total_macs(self) -> Size:
        """Multiply-adds of one forward pass in evaluation, without auxiliary outputs.

        Twice this are the FLOPs of torch's flop_counter.

        Raises:
            SizeLimit: it is a sum of more different terms than an expression may have.
        """
        return self.graph.macs

    def saved_for_backward(self) -> SavedForBackward:
        """What autograd keeps of one forward pass in training, with auxiliary outputs.

        Raises:
            SizeLimit: it is a sum of more different terms than an expression may have.
        """
        from netspec.planning.costs import saved_for_backward  # which walks over plans

        return saved_for_backward(self)

    def to_json(self) -> str:
        """The plan as JSON, with its wiring; `from_json` reads it back to an equal plan.

        What is shared is written once. Warnings, and where items were written, are left out.
        """
        from netspec.planning.plan_json import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str, registry: Registry | None = None) -> Plan:
        """The plan that `to_json` wrote. The shape rules of its layers are applied once more.

        Raises:
            ValueError: the text is no plan, or its layers give other shapes than it says.
            SpecError: a layer is of a plugin that is not installed, or refuses its arguments.
        """
        from netspec.planning.plan_json import from_json

        return from_json(text, registry)

    def module(self, path: str) -> PlannedChild | None:
        """The layer or container of a path; the root's is empty. None where there is none."""
        found: PlannedChild = self.root
        for name in path.split(".") if path else ():
            if not isinstance(found, PlannedScope):
                return None
            graph, prefix = found.graph, f"{found.path}." if found.path else ""
            at = next((at for at in graph.child_places if graph.nodes[at].name == name), None)
            if at is None:
                return None
            found = planned_child(prefix, graph.nodes[at], graph.origins[at], found.is_reused)
        return found

    def scopes(self) -> Iterator[PlannedScope]:
        """All containers, the root first, in the order of ``nn.Module.modules()``."""
        return _scopes(self.root)


def _scopes(scope: PlannedScope) -> Iterator[PlannedScope]:
    """A container and those in it; recursion is as deep as the nesting, at most 100."""
    yield scope
    graph, prefix = scope.graph, f"{scope.path}." if scope.path else ""
    if not graph.height > 1:
        return
    for at in graph.child_places:
        node = graph.nodes[at]
        if isinstance(node.body, Graph):
            path, origin = prefix + node.name, graph.origins[at]
            again = scope.is_reused or node.is_again
            inner = PlannedScope(path, node.name, node.body, node.device, origin, again)
            yield from _scopes(inner)
