"""Plan to modules: each layer is constructed as hand-written code would do it, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from netspec.building.flow import Flow
from netspec.building.random import Begin, SeedBy, WithoutRandomNumbers, seeded
from netspec.building.weights import initialise, tie
from netspec.diagnostics import Diagnostics, SpecError, failure
from netspec.graph import Graph, Node, OwnParameter
from netspec.planning import Plan, PlannedChild, PlannedLayer
from netspec.planning.plan import planned_layer
from netspec.spec import Origin


def make_modules(
    plan: Plan,
    *,
    seed: int | None,
    on_meta: frozenset[str],
    seed_by: SeedBy = "order",
    init: bool = True,
) -> nn.Module:
    """The modules of a plan with fresh weights, on the cpu.

    Args:
        seed: the weights are those that hand-written code has after ``torch.manual_seed(seed)``;
            the global generator is left as it was. None draws from the global generator.
        on_meta: paths of layers that are made on the meta device, without memory.
        seed_by: with ``path`` each layer has a stream of its own, from the seed and its path.
        init: whether weights are filled with random numbers.

    Raises:
        SpecError: a layer's class cannot be imported, or refuses its arguments.
    """
    with seeded(seed, seed_by) as begin:
        if init:
            model = _Maker(on_meta, begin).graph(plan.graph, "")
            initialise(model, plan, begin)
        else:
            with WithoutRandomNumbers():
                model = _Maker(on_meta).graph(plan.graph, "")
    tie(model, plan)
    return model


def make_on_meta(plan: Plan) -> nn.Module:
    """The modules of a plan without memory: their names and shapes, for weights from elsewhere.

    Raises:
        SpecError: a layer's class cannot be imported, or refuses its arguments.
    """
    own = [parameter.path for parameter in plan.parameters]
    everything = frozenset(["", *(row.path for row in plan.layers), *own])
    return make_modules(plan, seed=None, on_meta=everything, init=False)


def make_layer(layer: PlannedLayer, *, init: bool = False) -> nn.Module:
    """One layer on the cpu, without random weights: for what else its constructor computes.

    Args:
        init: with random weights, from the generator as it is.

    Raises:
        SpecError: its class cannot be imported, or refuses its arguments.
    """
    with nullcontext() if init else WithoutRandomNumbers():
        return _Maker(frozenset()).layer(layer)


def in_construction_order(plan: Plan) -> Iterator[PlannedLayer]:
    """The layers in the order in which they are made, and so draw their weights."""
    waiting: list[PlannedChild] = [plan.root]
    while waiting:
        child = waiting.pop()
        if isinstance(child, PlannedLayer):
            yield child
        else:
            waiting.extend(reversed(child.children))


class _Maker:
    """Makes the modules of graphs: each child once, in the order of registration."""

    def __init__(self, on_meta: frozenset[str], begin: Begin | None = None) -> None:
        self.on_meta = on_meta
        self.begin = begin
        self.constructors: dict[int, Callable[..., Any]] = {}  # by the id of the layer's type

    def graph(self, graph: Graph, prefix: str) -> nn.Module:
        children = [
            (graph.nodes[at].name, self.child(graph.nodes[at], graph.origins[at], prefix))
            for at in graph.child_places
        ]
        if not graph.is_chain:
            parameters = [(node.name, self.parameter(node, prefix)) for node in graph.parameters]
            return Flow(children, parameters, graph)
        sequence = nn.Sequential()
        for name, module in children:
            sequence.add_module(name, module)
        return sequence

    def parameter(self, node: Node, prefix: str) -> nn.Parameter:
        assert isinstance(node.body, OwnParameter)
        device = "meta" if prefix + node.name in self.on_meta else "cpu"
        return nn.Parameter(torch.empty(node.body.shape, device=device))

    def child(self, node: Node, origin: Origin, prefix: str) -> nn.Module:
        if isinstance(node.body, Graph):
            return self.graph(node.body, f"{prefix}{node.name}.")
        return self.layer(planned_layer(prefix, node, origin))

    def layer(self, layer: PlannedLayer) -> nn.Module:
        declared = layer.application.type
        target = declared.target
        made = self.constructors.get(id(declared))
        if made is None:
            made = self.constructors[id(declared)] = _constructor(layer)
        arguments: Mapping[str, object] = layer.application.written
        if self.begin is not None:
            self.begin(layer.path)
        try:
            if layer.path in self.on_meta:
                module = _made_on_meta(made, arguments)
            else:
                module = made(**arguments)
        except (Exception, SystemExit) as problem:
            raise _error(layer, f"{target} cannot be made: {failure(problem)}") from problem
        if not isinstance(module, nn.Module):
            raise _error(layer, f"{target} makes a {type(module).__name__}, not an nn.Module")
        return module


def _made_on_meta(made: Callable[..., Any], arguments: Mapping[str, object]) -> Any:
    """Some classes compute with values in their constructors, and meta has none."""
    try:
        with torch.device("meta"):
            return made(**arguments)
    except Exception:
        with WithoutRandomNumbers():
            return made(**arguments).to("meta")


def _constructor(layer: PlannedLayer) -> Callable[..., Any]:
    type = layer.application.type
    try:
        return type.constructor()
    except (Exception, SystemExit) as problem:
        raise _error(layer, f"{type.target} cannot be imported: {failure(problem)}") from problem


def _error(layer: PlannedLayer, message: str) -> SpecError:
    found = Diagnostics()
    written = ", ".join(f"{k}={v!r}" for k, v in layer.application.written.items())
    found.error(
        "build-failed",
        message,
        layer.origin.span(),
        notes=[
            f"{layer.path} is {layer.type} of {layer.application.source} "
            f"with {written or 'no arguments'}"
        ],
    )
    return SpecError(found.all())
