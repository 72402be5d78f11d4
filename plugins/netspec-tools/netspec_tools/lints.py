"""Lints over a plan: a plugin of its own, as every check of a spec imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.plugin import Application, Finding, Graph, Node, Plan, hookimpl

NORMS = frozenset({"batch_norm1d", "batch_norm2d", "batch_norm3d", "sync_batch_norm"})
DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"})


@hookimpl
def netspec_lint(plan: Plan) -> Sequence[Finding]:
    """Dropout directly before a batch norm."""
    return dropout_before_norm(plan)


def dropout_before_norm(plan: Plan) -> list[Finding]:
    """Dropout whose output a batch norm takes, and nothing between.

    In training dropout widens the variance that the norm learns, and in evaluation it does not:
    Li et al. (2019), "Understanding the Disharmony between Dropout and Batch Normalization by
    Variance Shift", https://arxiv.org/abs/1801.05134
    """
    shared = {id(graph): list(_pairs(graph)) for graph in plan.graph.graphs()}
    if not any(shared.values()):
        return []
    return [
        Finding(
            "dropout-before-norm",
            f"{_type(norm)} `{prefix}{norm.name}` learns the variance that {_type(dropout)} makes "
            "in training, and meets another one in evaluation",
            prefix + dropout.name,
            help="put the dropout after the norm, or leave it out",
        )
        for scope in plan.scopes()
        for prefix in (f"{scope.path}." if scope.path else "",)
        for dropout, norm in shared[id(scope.graph)]
    ]


def _pairs(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """The dropouts of a container with the norm that takes what they give."""
    if not any(isinstance(one, Application) and one.type.name in NORMS for one in graph.bodies):
        return
    norms = [node for node in graph.nodes if _type(node) in NORMS]
    dropouts = {
        number: node
        for node in graph.nodes
        if _type(node) in DROPOUTS and node.application.arguments["p"] != 0
        for number in node.outputs
    }
    for norm in norms:
        for number in norm.inputs:
            if number in dropouts:
                yield dropouts[number], norm


def _type(node: Node) -> str:
    """The layer that a node calls; empty where it calls none."""
    return node.body.type.name if isinstance(node.body, Application) else ""
