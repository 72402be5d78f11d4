"""What a whole graph needs of the named sizes."""

from __future__ import annotations

from netspec.graph import Application, Condition, Graph, Operation
from netspec.planning.needs import Conditions


def graph_conditions(graph: Graph) -> tuple[Condition, ...]:
    """What all operators and layers need of the named sizes."""
    conditions = Conditions()
    bodies = [*graph.different_bodies()]
    for kind in (Operation, Application):
        for body in bodies:
            if isinstance(body, kind):
                conditions.add(body.conditions)
    return conditions.all()
