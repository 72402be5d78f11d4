"""Warnings about models that run, and that cannot be trained or train badly."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics
from netspec.graph import Application, Graph
from netspec.planning.inplace import overwritten
from netspec.planning.plan import Plan
from netspec.spec import Origin


def report_training(plan: Plan, found: Diagnostics) -> None:
    """Report in-place layers that break the backward pass, and a softmax as the last layer."""
    _report_overwritten(plan, found)
    _report_probabilities(plan, found)


def _report_overwritten(plan: Plan, found: Diagnostics) -> None:
    reported = {str(one.location) for one in found.found if one.code == "overwritten-input"}
    for layer, saver, is_refused in overwritten(plan):
        span = layer.origin.argument("inplace")
        if str(span.locate()) in reported:
            continue  # the forward pass is wrong already
        what = f"a {saver}" if is_refused else f"a value that {saver} saved for backward"
        found.warning(
            "overwritten-value",
            f"{layer.type} works in place on {what}: training fails",
            span,
            notes=[
                f"torch raises a RuntimeError in a training step where `{layer.path}` is called"
            ],
            help=["remove `inplace: true`"],
        )


def _report_probabilities(plan: Plan, found: Diagnostics) -> None:
    """A classifier of [N, C, ...]: most are trained with CrossEntropyLoss."""
    found_last = _last(plan.graph)
    if found_last is None:
        return
    last, origin = found_last
    rank = last.outputs[0].rank
    if (
        "gives_probabilities" in last.type.traits
        and rank > 1
        and last.arguments.get("dim", 1) in (1, 1 - rank)
        and plan.total_params
    ):
        found.warning(
            "softmax-output",
            f"the model ends with {last.type.name}: a CrossEntropyLoss applies softmax itself, and "
            "learns badly from probabilities",
            origin.span(),
            help=[
                f"remove {last.type.name} to train with CrossEntropyLoss, which takes logits",
                "or keep it where probabilities are meant; NLLLoss takes those of log_softmax",
            ],
        )


def _last(graph: Graph) -> tuple[Application, Origin] | None:
    """The layer whose output is the one output of a graph."""
    while graph.results.form == "single":
        wanted = graph.results.values
        at = len(graph.nodes) - 1
        while at >= 0 and graph.nodes[at].outputs[:1] != wanted:
            at -= 1
        if at < 0:
            return None
        body = graph.nodes[at].body
        if isinstance(body, Application):
            return body, graph.origins[at]
        if not isinstance(body, Graph):
            return None
        graph = body
    return None
