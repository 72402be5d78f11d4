"""GraphBuilder: appends nodes, and numbers their values."""

from __future__ import annotations

from typing import Any

from netspec.declaration import TensorType
from netspec.graph.application import Application, Init
from netspec.graph.graph import NO_RESULTS, Graph, Node, Operation, OwnParameter, Results, Value


class GraphBuilder:
    """Makes a graph, node by node; nothing that is added changes later.

    A value may be unknown, after an error that somebody else reports: then what follows is still
    added, and there is no graph in the end.
    """

    def __init__(self, names: tuple[str, ...], types: tuple[TensorType | None, ...]) -> None:
        """An empty graph with inputs of these names and types."""
        self.input_names = names
        #: The types of the values so far, by their numbers.
        self.types: list[TensorType | None] = list(types)
        self.nodes: list[Node] = []
        self.origins: list[Any] = []
        self.is_complete = None not in types

    def call(
        self,
        name: str,
        body: Application | Graph,
        inputs: tuple[int, ...],
        origin: Any = None,
        *,
        device: str | None = None,
        init: Init | None = None,
        freeze: bool | None = None,
        is_again: bool = False,
    ) -> tuple[int, ...]:
        """Add a call of a child, and return the numbers of its outputs."""
        outputs = self._made(body.outputs)
        node = Node(name, body, inputs, outputs, device, init, freeze, is_again)
        return self._add(node, origin)

    def operate(
        self, operation: Operation, inputs: tuple[int, ...], origin: Any = None
    ) -> tuple[int, ...]:
        """Add an operator, and return the numbers of its outputs."""
        outputs = self._made(operation.outputs)
        return self._add(Node(operation.kind, operation, inputs, outputs), origin)

    def parameter(
        self,
        name: str,
        parameter: OwnParameter,
        origin: Any = None,
        *,
        device: str | None = None,
        freeze: bool | None = None,
    ) -> int:
        """Add a parameter of the graph's own, and return the number of its value."""
        outputs = self._made(parameter.outputs)
        node = Node(name, parameter, (), outputs, device, freeze=freeze)
        return self._add(node, origin)[0]

    def unknown(self, count: int = 1) -> tuple[int, ...]:
        """Add values of which nothing is known, and return their numbers."""
        self.is_complete = False
        first = len(self.types)
        self.types += [None] * count
        return tuple(range(first, first + count))

    def finish(
        self, results: Results, auxiliary: Results = NO_RESULTS, registered: tuple[str, ...] = ()
    ) -> Graph | None:
        """The graph; None where one of its values is not known."""
        if not self.is_complete:
            return None
        types = self.types[: len(self.input_names)]
        inputs = [
            Value(name, type)
            for name, type in zip(self.input_names, types, strict=True)
            if type is not None
        ]
        nodes = self.nodes
        if auxiliary.values:
            nodes = _marked(nodes, results, auxiliary)
        return Graph(
            tuple(inputs), tuple(nodes), results, auxiliary, registered, tuple(self.origins)
        )

    def _made(self, types: tuple[TensorType, ...]) -> tuple[int, ...]:
        first = len(self.types)
        self.types += types
        return (first,) if len(types) == 1 else tuple(range(first, first + len(types)))

    def _add(self, node: Node, origin: Any) -> tuple[int, ...]:
        self.nodes.append(node)
        self.origins.append(origin)
        return node.outputs


def _marked(nodes: list[Node], results: Results, auxiliary: Results) -> list[Node]:
    """The nodes, those marked that only the auxiliary results need."""
    needed = _needed(nodes, set(results.values))
    extra = _needed(nodes, set(auxiliary.values)) - needed
    return [
        node._replace(is_auxiliary=True) if place in extra else node
        for place, node in enumerate(nodes)
    ]


def _needed(nodes: list[Node], values: set[int]) -> set[int]:
    """The places of the nodes that lead to the values."""
    places = set()
    for place in range(len(nodes) - 1, -1, -1):
        node = nodes[place]
        if values.intersection(node.outputs):
            places.add(place)
            values.update(node.inputs)
    return places
