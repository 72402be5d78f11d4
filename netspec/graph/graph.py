"""Graph, Node and Value: frozen, compared by content, and without paths.

A graph knows nothing of where it is used: containers that compute the same share one. Paths are
those of the tree of calls, from the root on (`Graph.walk`, `netspec.graph.Interpreter`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, cast

from netspec.declaration import TensorType
from netspec.graph.application import Application, Condition, Init, Initialiser
from netspec.operators import OPERATORS, Operator
from netspec.sizes import Size


class GraphError(ValueError):
    """A graph is not well-formed."""


class Value(NamedTuple):
    """A tensor that flows through a graph. Its number is its place in `Graph.values`."""

    name: str
    type: TensorType


class Operation(NamedTuple):
    """An operator applied to its inputs: a function without weights, which makes no module.

    ``stretched`` are the places of inputs whose sizes of 1 a concat stretches; ``conditions`` are
    what has to be true of the named sizes.
    """

    kind: str
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    dim: int | None = None
    stretched: tuple[int, ...] = ()
    macs: Size = 0
    conditions: tuple[Condition, ...] = ()

    @property
    def operator(self) -> Operator:
        return OPERATORS[self.kind]

    @property
    def has_parameters(self) -> bool:
        return False

    @property
    def parameter_count(self) -> int:
        return 0

    @property
    def buffer_count(self) -> int:
        return 0


class OwnParameter(NamedTuple):
    """A parameter of the container itself."""

    type: TensorType
    init: Initialiser

    @property
    def shape(self) -> tuple[int, ...]:
        return cast(tuple[int, ...], self.type.shape)

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return (self.type,)

    @property
    def has_parameters(self) -> bool:
        return True

    @property
    def parameter_count(self) -> int:
        return math.prod(self.shape)

    @property
    def buffer_count(self) -> int:
        return 0

    @property
    def macs(self) -> Size:
        return 0


class Results(NamedTuple):
    """What a graph returns: one value, a tuple, or a dict with the names as keys."""

    values: tuple[int, ...]
    names: tuple[str, ...] = ("output",)
    form: Literal["single", "tuple", "dict"] = "single"


NO_RESULTS = Results((), ())


class Node(NamedTuple):
    """One step of a graph. ``body`` says what it does with its ``inputs``, which are values.

    The body of a call is an Application (of a layer) or a Graph (of a container), and ``name`` is
    that of the child. With ``is_again`` the child has been called before, perhaps for inputs of
    other types: it is one module with one set of weights. Other nodes are an Operation, whose
    name is its word, or an OwnParameter.

    ``device`` is where the child or parameter is, ``init`` how the parameters of a layer begin,
    and ``freeze`` whether they are left out of training; None leaves it to others. A node that
    only the results in training need is ``is_auxiliary``.
    """

    name: str
    body: Body
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    device: str | None = None
    init: Init | None = None
    freeze: bool | None = None
    is_again: bool = False
    is_auxiliary: bool = False

    @property
    def application(self) -> Application:
        """The body of a call of a layer.

        Raises:
            GraphError: the node is none.
        """
        if not isinstance(self.body, Application):
            raise GraphError(f"{self.name} is no call of a layer")
        return self.body

    @property
    def operation(self) -> Operation:
        """The body of an operator's node.

        Raises:
            GraphError: the node is none.
        """
        if not isinstance(self.body, Operation):
            raise GraphError(f"{self.name} is no operator")
        return self.body

    @property
    def is_call(self) -> bool:
        """Whether it calls a child: a layer or a container."""
        return isinstance(self.body, Application | Graph)

    @property
    def types(self) -> tuple[TensorType, ...]:
        """The types of its outputs."""
        return self.body.outputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of its outputs, as ``from: child.name`` has them."""
        if isinstance(self.body, Application):
            return self.body.output_names
        if isinstance(self.body, Graph):
            return self.body.results.names
        return ("output",)


class Visit(NamedTuple):
    """A node where it is called: ``prefix`` is the path of the graph around it, with a dot.

    ``is_again`` is true also inside of a container that is called again.
    """

    prefix: str
    node: Node
    origin: Any
    is_again: bool

    @property
    def path(self) -> str:
        return self.prefix + self.node.name


@dataclass(frozen=True)
class Graph:
    """A container: the nodes in the order of the forward pass, and the values between them.

    Values are numbered: first the inputs, then the outputs of each node. ``results`` are what a
    call returns, ``auxiliary`` those in training only. ``registered`` are the names of the
    children in the order of registration, where that is not the order of the calls. ``origins``
    are where the nodes were written, one for each; they are not part of the content.
    """

    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    results: Results
    auxiliary: Results = NO_RESULTS
    registered: tuple[str, ...] = ()
    origins: tuple[Any, ...] = field(default=(), compare=False, repr=False)

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        """The types of the results."""
        return self._outputs

    @cached_property
    def _outputs(self) -> tuple[TensorType, ...]:
        if not self.nodes:
            return tuple([self.inputs[number].type for number in self.results.values])
        last = self.nodes[-1]
        if self.results.values == last.outputs:  # as in most graphs, without a list of all types
            return last.types
        return tuple([self.types[number] for number in self.results.values])

    @cached_property
    def types(self) -> tuple[TensorType, ...]:
        """The types of all values, by their numbers."""
        types = [value.type for value in self.inputs]
        for node in self.nodes:
            types += node.types
        return tuple(types)

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """All values. A node's are called as it is, with the output's name where it has several.

        Those of operators, and of further calls, are numbered where a name is taken.
        """
        values = list(self.inputs)
        taken = {value.name for value in values}
        for node in self.nodes:
            several = len(node.outputs) > 1
            for place, type in enumerate(node.types):
                names = node.output_names
                name = node.name
                if several:
                    name += f".{names[place] if len(names) > 1 else place}"
                at, plain = 1, name
                while name in taken:
                    name, at = f"{plain}_{at}", at + 1
                taken.add(name)
                values.append(Value(name, type))
        return tuple(values)

    @cached_property
    def _users(self) -> dict[int, tuple[Node, ...]]:
        users: dict[int, list[Node]] = {}
        for node in self.nodes:
            for number in dict.fromkeys(node.inputs):
                users.setdefault(number, []).append(node)
        return {number: tuple(nodes) for number, nodes in users.items()}

    def users(self, value: int) -> tuple[Node, ...]:
        """The nodes that read a value."""
        return self._users.get(value, ())

    @cached_property
    def child_places(self) -> tuple[int, ...]:
        """The places in ``nodes`` of the first call of each child, in the order of registration."""
        nodes = self.nodes
        places = [at for at, node in enumerate(nodes) if node.is_call and not node.is_again]
        if self.registered:
            by_name = {nodes[at].name: at for at in places}
            places = [by_name[name] for name in self.registered]
        return tuple(places)

    @property
    def children(self) -> tuple[Node, ...]:
        """The first call of each child, in the order of registration."""
        return tuple([self.nodes[at] for at in self.child_places])

    @cached_property
    def parameters(self) -> tuple[Node, ...]:
        """The nodes of the container's own parameters."""
        return tuple([node for node in self.nodes if isinstance(node.body, OwnParameter)])

    @cached_property
    def bodies(self) -> tuple[Body, ...]:
        """The different bodies of its own nodes, in the order in which they first come."""
        return tuple({id(node.body): node.body for node in self.nodes}.values())

    @cached_property
    def is_chain(self) -> bool:
        """Whether its children are called in their order, each with the output of the one before.

        That is what ``nn.Sequential`` does.
        """
        if self.registered or self.auxiliary.values or self.results.form != "single":
            return False
        if len(self.inputs) != 1 or not all(map(_returns_tensor, self.bodies)):
            return False
        before: tuple[int, ...] = (0,)
        for node in self.nodes:
            if node.inputs != before or node.is_again:
                return False
            before = node.outputs
        return self.results.values == before

    @cached_property
    def has_parameters(self) -> bool:
        """Whether a layer in it, or it itself, has parameters."""
        return any(body.has_parameters for body in self.bodies)

    @cached_property
    def parameter_count(self) -> int:
        """The number of values in all parameters; what is called again is counted once."""
        return sum(node.body.parameter_count for node in self.nodes if not node.is_again)

    @cached_property
    def buffer_count(self) -> int:
        """The number of values in all buffers; what is called again is counted once."""
        return sum(node.body.buffer_count for node in self.nodes if not node.is_again)

    @cached_property
    def macs(self) -> Size:
        """Multiply-adds of one call in evaluation, without auxiliary results.

        Raises:
            SizeLimit: it is a sum of more different terms than an expression may have.
        """
        # Equal bodies are added once: a thousand additions of expressions would take a while.
        bodies = [node.body for node in self.nodes if not node.is_auxiliary]
        times = Counter(map(id, bodies))
        total: Size = 0
        for key, body in {id(body): body for body in bodies}.items():
            macs = body.macs
            if macs != 0:
                total = total + macs * times[key]
        return total

    @cached_property
    def call_count(self) -> int:
        """The number of calls in it, those inside of containers too."""
        return sum(
            1 + (node.body.call_count if isinstance(node.body, Graph) else 0)
            for node in self.nodes
            if node.is_call
        )

    @cached_property
    def height(self) -> int:
        """How deep containers are nested in it: 1 where there are none."""
        inside = [body.height for body in self.bodies if isinstance(body, Graph)]
        return 1 + max(inside, default=0)

    def walk(self, prefix: str = "", is_again: bool = False) -> Iterator[Visit]:
        """All nodes, those inside of containers after the call, in the order of the forward pass.

        Containers in containers recurse: the nesting is at most 100 deep.
        """
        for node, origin in zip(self.nodes, self.origins, strict=True):
            again = is_again or node.is_again
            yield Visit(prefix, node, origin, again)
            if isinstance(node.body, Graph):
                yield from node.body.walk(f"{prefix}{node.name}.", again)

    def different_bodies(self) -> Iterator[Body]:
        """The different bodies in it, those inside of containers too, each once."""
        return self._different({})

    def _different(self, seen: dict[int, Body]) -> Iterator[Body]:
        for body in self.bodies:
            if id(body) not in seen:
                seen[id(body)] = body
                yield body
                if isinstance(body, Graph):
                    yield from body._different(seen)

    def graphs(self) -> tuple[Graph, ...]:
        """Each different graph in it, itself first: one that several calls share comes once."""
        inside = [body for body in self.different_bodies() if isinstance(body, Graph)]
        return (self, *inside)

    def applications(self) -> tuple[Application, ...]:
        """Each different application of a layer in it, those inside of containers too."""
        bodies = self.different_bodies()
        return tuple([body for body in bodies if isinstance(body, Application)])

    def lint(self) -> None:
        """Check that the graph is well-formed.

        Raises:
            GraphError: it is not; the message says where.
        """
        count = len(self.inputs)
        called: set[str] = set()
        own: set[str] = set()
        if len(self.origins) != len(self.nodes):
            raise GraphError(f"there are {len(self.nodes)} nodes, but {len(self.origins)} origins")
        for place, node in enumerate(self.nodes):
            what = f"node {place} ({node.name})"
            _require(all(0 <= one < count for one in node.inputs), what, "reads a later value")
            end = count + len(node.types)
            _require(node.outputs == tuple(range(count, end)), what, "makes other values")
            if isinstance(node.body, Operation):
                given = tuple([self.types[number] for number in node.inputs])
                _require(node.name == node.body.kind, what, "is not called as its operator")
                _require(given == node.body.inputs, what, "reads values of other types")
            elif isinstance(node.body, OwnParameter):
                _require(not node.inputs, what, "is a parameter that reads values")
                own.add(node.name)
            else:
                inputs = _inputs(node.body)
                given = tuple([self.types[number] for number in node.inputs])
                _require(given == inputs, what, "reads values of other types")
                _require(node.is_again == (node.name in called), what, "is called again, or not")
                called.add(node.name)
            count = end
        _require(not called & own, "the graph", "has a child and a parameter of one name")
        for results in (self.results, self.auxiliary):
            known = all(0 <= number < count for number in results.values)
            _require(known, "the graph", "returns values that are not there")
            _require(len(results.values) == len(results.names), "the graph", "misses a name")
        names = {node.name for node in self.nodes if node.is_call}
        _require(not self.registered or set(self.registered) == names, "`registered`", "differs")
        for graph in self.graphs()[1:]:
            graph.lint()

    def __str__(self) -> str:
        """One line for each node, with the values by name: for debugging."""
        values = self.values
        given = ", ".join(f"{value.name}: {value.type}" for value in self.inputs)
        lines = [f"graph({given}):"]
        for node in self.nodes:
            made = ", ".join(f"{values[at].name}: {values[at].type}" for at in node.outputs)
            read = ", ".join(values[at].name for at in node.inputs)
            lines.append(f"  {made} = {_written(node)}({read})")
        results = (*self.results.values, *self.auxiliary.values)
        lines.append(f"  return {', '.join(values[at].name for at in results)}")
        return "\n".join(lines)

    def __getstate__(self) -> dict[str, Any]:
        """The fields, without what is derived from them."""
        return {one.name: self.__dict__[one.name] for one in fields(self)}


#: What a node does.
Body: TypeAlias = Application | Graph | Operation | OwnParameter


def _inputs(body: Application | Graph) -> tuple[TensorType, ...]:
    if isinstance(body, Application):
        return body.inputs
    return tuple([value.type for value in body.inputs])


def _returns_tensor(body: Body) -> bool:
    """Whether it is a module that returns one tensor as such, not in a tuple or dict."""
    if isinstance(body, Graph):
        return body.results.form == "single"
    return isinstance(body, Application) and len(body.outputs) == 1


def _written(node: Node) -> str:
    body = node.body
    if isinstance(body, Operation):
        return body.kind
    kind = "graph" if isinstance(body, Graph) else "parameter"
    return f"{node.name} [{body.type.name if isinstance(body, Application) else kind}]"


def _require(holds: bool, what: str, problem: str) -> None:
    if not holds:
        raise GraphError(f"{what} {problem}")
