"""Lints over a plan: a plugin of its own, as every check of a spec imports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from netspec.plugin import Finding, Plan, PlannedLayer, PlannedScope, hookimpl

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
    return [
        Finding(
            "dropout-before-norm",
            f"{norm.type} `{norm.path}` learns the variance that {dropout.type} makes in training, "
            "and meets another one in evaluation",
            dropout.path,
            help="put the dropout after the norm, or leave it out",
        )
        for scope in plan.scopes()
        for dropout, norm in _pairs(scope)
        if dropout.type in DROPOUTS and norm.type in NORMS and dropout.arguments["p"] != 0
    ]


def _pairs(scope: PlannedScope) -> Iterator[tuple[PlannedLayer, PlannedLayer]]:
    """The layers of a container of which one takes what the other gives."""
    if scope.steps is None:
        for before, after in pairwise(scope.children):
            if isinstance(before, PlannedLayer) and isinstance(after, PlannedLayer):
                yield before, after
        return
    givers = {
        number: step.planned
        for step in scope.steps
        if isinstance(step.planned, PlannedLayer)
        for number in step.outputs
    }
    for step in scope.steps:
        if isinstance(step.planned, PlannedLayer):
            for number in step.inputs:
                if number in givers:
                    yield givers[number], step.planned
