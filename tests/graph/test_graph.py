"""Graphs as values: made by the builder, checked by `lint`, walked by the interpreter."""

import copy
import pickle
from collections.abc import Sequence

import pytest

from netspec.declaration import Output, TensorType, layer
from netspec.graph import (
    Application,
    Graph,
    GraphBuilder,
    GraphError,
    Initialiser,
    Interpreter,
    Node,
    Operation,
    OwnParameter,
    Parameter,
    Results,
)

ROW = TensorType((2, 4))


@layer("torch.nn.Linear")
def affine(input: TensorType) -> Output:
    return Output(input.shape)


def application(outputs: int = 1, parameters: int = 0) -> Application:
    names = ("output", "hidden")[:outputs]
    own = tuple(Parameter(f"weight{number}", (4,)) for number in range(parameters))
    return Application(affine, {}, {}, (ROW,), (ROW,) * outputs, names, own, (), macs=5)


ADD = Operation("add", (ROW, ROW), (ROW,), macs=1)
OWN = OwnParameter(ROW, Initialiser("zeros", "torch.nn.init.zeros_"))


def builder() -> GraphBuilder:
    return GraphBuilder(("input",), (ROW,))


def finished(made: GraphBuilder, *values: int) -> Graph:
    graph = made.finish(Results(values or (len(made.types) - 1,)))
    assert graph is not None
    graph.lint()
    return graph


def chain(length: int, body: Application | Graph | None = None) -> Graph:
    made = builder()
    last = 0
    for number in range(length):
        (last,) = made.call(str(number), body or application(), (last,))
    return finished(made, last)


def diamond() -> Graph:
    """input -> a -> b, a + b."""
    made = builder()
    (a,) = made.call("a", application(), (0,))
    (b,) = made.call("b", application(), (a,))
    made.operate(ADD, (a, b))
    return finished(made)


def test_values_are_numbered_from_the_inputs_on_and_have_names_and_types() -> None:
    made = builder()
    first, hidden = made.call("lstm", application(outputs=2), (0,))
    (merged,) = made.operate(ADD, (first, hidden))
    made.operate(ADD, (first, merged))
    graph = finished(made)
    names = ["input", "lstm.output", "lstm.hidden", "add", "add_1"]
    assert [value.name for value in graph.values] == names
    assert {value.type for value in graph.values} == {ROW}
    assert graph.outputs == (ROW,)


def test_the_users_of_a_value_are_those_that_read_it() -> None:
    graph = diamond()
    assert [node.name for node in graph.users(1)] == ["b", "add"]
    assert graph.users(3) == ()


@pytest.mark.parametrize("length", [0, 1, 3])
def test_children_in_their_order_are_a_chain(length: int) -> None:
    graph = chain(length)
    assert graph.is_chain
    assert [node.name for node in graph.children] == [str(number) for number in range(length)]


def several_outputs() -> Graph:
    made = builder()
    made.call("lstm", application(outputs=2), (0,))
    return finished(made, 1)


def called_again() -> Graph:
    made = builder()
    body = application()
    made.call("a", body, (0,))
    made.call("a", body, (1,), is_again=True)
    return finished(made)


def registered() -> Graph:
    made = builder()
    made.call("a", application(), (0,))
    made.call("b", application(), (1,))
    graph = made.finish(Results((2,)), registered=("b", "a"))
    assert graph is not None
    graph.lint()
    return graph


def in_a_tuple() -> Graph:
    made = builder()
    made.call("a", application(), (0,))
    graph = made.finish(Results((1,), ("a",), "tuple"))
    assert graph is not None
    return graph


def with_a_parameter() -> Graph:
    made = builder()
    own = made.parameter("bias", OWN)
    made.operate(ADD, (0, own))
    return finished(made)


def of_two_inputs() -> Graph:
    return finished(GraphBuilder(("x", "y"), (ROW, ROW)), 0)


@pytest.mark.parametrize(
    "make",
    [
        diamond,
        several_outputs,
        called_again,
        registered,
        in_a_tuple,
        with_a_parameter,
        of_two_inputs,
        lambda: finished(_skipping(), 1),
    ],
)
def test_everything_else_is_no_chain(make: object) -> None:
    assert callable(make)
    assert not make().is_chain


def _skipping() -> GraphBuilder:
    made = builder()
    made.call("a", application(), (0,))
    made.call("b", application(), (1,))
    return made


def test_children_are_in_the_order_of_registration() -> None:
    assert [node.name for node in registered().children] == ["b", "a"]
    assert [node.name for node in called_again().children] == ["a"]


def test_counts_are_those_of_each_child_once() -> None:
    block = chain(2, application(parameters=1))
    made = builder()
    made.call("a", block, (0,))
    made.call("b", block, (1,))
    made.call("a", block, (2,), is_again=True)
    own = made.parameter("bias", OWN)
    made.operate(ADD, (3, own))
    graph = finished(made)
    assert graph.parameter_count == 2 * 2 * 4 + 8
    assert graph.macs == 3 * 2 * 5 + 1
    assert graph.height == 2
    assert graph.graphs() == (graph, block)
    assert len(graph.applications()) == 1


def test_what_only_the_auxiliary_results_need_is_marked() -> None:
    made = builder()
    (main,) = made.call("main", application(), (0,))
    (extra,) = made.call("extra", application(), (main,))
    graph = made.finish(Results((main,)), Results((extra,)))
    assert graph is not None
    assert [node.is_auxiliary for node in graph.nodes] == [False, True]
    assert graph.macs == 5


def test_there_is_no_graph_where_a_value_is_unknown() -> None:
    made = builder()
    (unknown,) = made.unknown()
    assert made.finish(Results((unknown,))) is None
    assert GraphBuilder(("input",), (None,)).finish(Results((0,))) is None


A = Node("a", application(), (0,), (1,))
B = Node("b", application(), (1,), (2,))


@pytest.mark.parametrize(
    ("nodes", "results", "message"),
    [
        ((A._replace(inputs=(1,)),), (1,), "node 0 (a) reads a later value"),
        ((A._replace(outputs=(2,)),), (1,), "node 0 (a) makes other values"),
        ((A._replace(inputs=(0, 0)),), (1,), "node 0 (a) reads values of other types"),
        ((A, B._replace(name="a")), (2,), "node 1 (a) is called again, or not"),
        ((A._replace(is_again=True),), (1,), "node 0 (a) is called again, or not"),
        ((Node("mul", ADD, (0, 0), (1,)),), (1,), "node 0 (mul) is not called as its operator"),
        ((Node("w", OWN, (0,), (1,)),), (1,), "node 0 (w) is a parameter that reads values"),
        ((A, Node("a", OWN, (), (2,))), (1,), "the graph has a child and a parameter of one name"),
        ((A,), (2,), "the graph returns values that are not there"),
    ],
)
def test_lint_says_where_a_graph_is_not_well_formed(
    nodes: tuple[Node, ...], results: tuple[int, ...], message: str
) -> None:
    inputs = chain(0).inputs
    with pytest.raises(GraphError) as caught:
        Graph(inputs, nodes, Results(results), origins=(None,) * len(nodes)).lint()
    assert str(caught.value) == message


def test_graphs_compare_by_content_and_not_by_where_they_were_written() -> None:
    made = builder()
    made.call("0", application(), (0,), "somewhere else")
    assert finished(made) == chain(1)
    assert chain(1) != chain(2)
    assert copy.deepcopy(diamond()) == diamond()


def test_a_graph_is_copied_without_what_is_derived_from_it() -> None:
    graph = finished(builder(), 0)
    assert graph.is_chain
    assert vars(pickle.loads(pickle.dumps(graph))).keys() == {
        "inputs", "nodes", "results", "auxiliary", "registered", "origins",
    }  # fmt: skip


class Paths(Interpreter[str]):
    """Each value is the path of what made it."""

    def __init__(self) -> None:
        super().__init__()
        self.again: list[str] = []

    def call_layer(self, node: Node, given: list[str]) -> Sequence[str]:
        path = self.prefix + node.name
        if self.is_again or node.is_again:
            self.again.append(path)
        return [f"{path}({', '.join(given)})"] * len(node.outputs)

    def call_function(self, node: Node, given: list[str]) -> Sequence[str]:
        return [f"{node.operation.kind}({', '.join(given)})"]

    def get_parameter(self, node: Node) -> str:
        return self.prefix + node.name


def test_the_interpreter_runs_the_nodes_on_values_of_any_kind() -> None:
    assert Paths().run(diamond(), ["x"]) == ["add(a(x), b(a(x)))"]
    assert Paths().run(with_a_parameter(), ["x"]) == ["add(x, bias)"]


def test_a_shared_graph_runs_below_the_path_of_each_call() -> None:
    block = chain(1)
    made = builder()
    made.call("first", block, (0,), "here")
    made.call("second", block, (1,), "there")
    made.call("first", block, (2,), "again", is_again=True)
    graph = finished(made)
    paths = Paths()
    assert paths.run(graph, ["x"]) == ["first.0(second.0(first.0(x)))"]
    assert paths.again == ["first.0"]
    visits = [(visit.path, visit.origin, visit.is_again) for visit in graph.walk()]
    assert visits == [
        ("first", "here", False), ("first.0", None, False),
        ("second", "there", False), ("second.0", None, False),
        ("first", "again", True), ("first.0", None, True),
    ]  # fmt: skip


def test_a_graph_prints_as_a_program() -> None:
    assert str(diamond()).splitlines() == [
        "graph(input: [2, 4]):",
        "  a: [2, 4] = a [affine](input)",
        "  b: [2, 4] = b [affine](a)",
        "  add: [2, 4] = add(a, b)",
        "  return add",
    ]
