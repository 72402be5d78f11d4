"""Interpreter: the one way to walk through a graph, with methods to override."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from netspec.graph.application import Application
from netspec.graph.graph import Graph, Node, Operation

V = TypeVar("V")


class Interpreter(Generic[V]):
    """Executes a graph node by node, on values of any kind, as ``torch.fx.Interpreter`` does.

    A subclass says what a layer, a function and a parameter make of their inputs: tensors, the
    memory that they take, devices, boxes of a drawing. Each of the methods to override gets the
    node and the values of its inputs, and returns the values of its outputs::

        class Depth(Interpreter[int]):
            '''The number of layers that a value has passed.'''

            def call_layer(self, node, given):
                return [max(given) + 1] * len(node.outputs)

            def call_function(self, node, given):
                return [max(given)] * len(node.outputs)

            def get_parameter(self, node):
                return 0

        deepest = max(Depth().run(plan.graph, [0] * len(plan.inputs)))

    While a node runs, ``prefix`` is the path of the graph around it, with a dot; ``origin`` is
    where the node was written; and ``is_again`` is true inside of a container that is called
    again, whose modules have been called before.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self.is_again = False
        self.origin: Any = None

    def run(self, graph: Graph, given: Sequence[V]) -> list[V]:
        """Execute a graph on the values of its inputs, and return what `output` makes of it."""
        values = list(given)
        for node, origin in zip(graph.nodes, graph.origins, strict=True):
            self.origin = origin
            values += self.run_node(node, [values[number] for number in node.inputs])
        return self.output(graph, values)

    def run_node(self, node: Node, given: list[V]) -> Sequence[V]:
        """Execute one node: the method for its kind is called."""
        kind = node.body.__class__
        if kind is Application:
            return self.call_layer(node, given)
        if kind is Graph:
            return self.call_graph(node, given)
        if kind is Operation:
            return self.call_function(node, given)
        return [self.get_parameter(node)]

    def call_graph(self, node: Node, given: list[V]) -> Sequence[V]:
        """Execute the graph of a container, below its path."""
        assert isinstance(node.body, Graph)
        around = self.prefix, self.is_again, self.origin
        self.prefix = f"{self.prefix}{node.name}."
        self.is_again = self.is_again or node.is_again
        outputs = self.run(node.body, given)
        self.prefix, self.is_again, self.origin = around
        return outputs

    def call_layer(self, node: Node, given: list[V]) -> Sequence[V]:
        """What a layer makes of its inputs; its body is an Application."""
        raise NotImplementedError

    def call_function(self, node: Node, given: list[V]) -> Sequence[V]:
        """What an operator makes of its inputs; its body is an Operation."""
        raise NotImplementedError

    def get_parameter(self, node: Node) -> V:
        """The value of a parameter of the container around; the body is an OwnParameter."""
        raise NotImplementedError

    def output(self, graph: Graph, values: Sequence[V]) -> list[V]:
        """What a graph returns, from all its values; without those in training only."""
        return [values[number] for number in graph.results.values]
