"""Warnings about models that run, and that cannot be trained or train badly."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics
from netspec.planning.inplace import overwritten
from netspec.planning.plan import Plan, PlannedChild, PlannedLayer


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
    last = _last(plan.root)
    if (
        last is not None
        and "gives_probabilities" in last.application.type.traits
        and len(last.output_shape) > 1
        and last.arguments.get("dim", 1) in (1, 1 - len(last.output_shape))
        and plan.total_params
    ):
        found.warning(
            "softmax-output",
            f"the model ends with {last.type}: a CrossEntropyLoss applies softmax itself, and "
            "learns badly from probabilities",
            last.origin.span(),
            help=[
                f"remove {last.type} to train with CrossEntropyLoss, which takes logits",
                "or keep it where probabilities are meant; NLLLoss takes those of log_softmax",
            ],
        )


def _last(child: PlannedChild) -> PlannedLayer | None:
    """The layer whose output is the one output of a child."""
    while not isinstance(child, PlannedLayer):
        if child.results.form != "single":
            return None
        if child.steps is None:
            if not child.children:
                return None
            child = child.children[-1]
            continue
        number = child.results.values[0]
        made = [step.planned for step in child.steps if step.outputs[:1] == (number,)]
        if not made or made[0] is None:
            return None
        child = made[0]
    return child
