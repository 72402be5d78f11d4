"""For every registered layer: what is planned is what torch does."""

from collections import Counter

import pytest
from hypothesis import event, given, settings

from netspec.declaration import LayerType
from netspec.registry import Registry
from netspec.testing import (
    Case,
    Opened,
    agrees_with_torch,
    cases,
    not_on_meta,
    opened,
    saves_what_torch_saves,
    spoiled_cases,
    substitutes,
    torch_is_lenient,
)

REGISTRY = Registry()
LAYERS = {name: found.layer for name, found in REGISTRY.layers().items()}


def examples(layer: LayerType) -> int:
    """More for a layer with more arguments, which have to be met together.

    In ``deep`` 2,000 for each layer: half of them here, a quarter in each of the next two laws.
    """
    usual = settings().max_examples
    return usual // 2 if usual >= 1_000 else max(usual // 2, usual * len(layer.arguments) // 4)


def fewer() -> int:
    """For the laws beside the first."""
    usual = settings().max_examples
    return usual // 4 if usual >= 1_000 else usual


every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


@every_layer
def test_the_plan_is_what_torch_does(layer: LayerType) -> None:
    """Shape, dtype, parameters, buffers and FLOPs; or both refuse."""
    drawn = Counter[bool]()

    @settings(max_examples=examples(layer))
    @given(cases(layer, REGISTRY))
    def law(case: Case) -> None:
        plan = agrees_with_torch(case, REGISTRY, torch_is_lenient, not_on_meta)
        drawn[plan is not None] += 1
        event("accepted" if plan else "refused")

    law()
    least = drawn.total() / 4 if drawn.total() >= 200 else 1  # a few may all be unlucky
    assert drawn[True] >= least, f"only {drawn[True]} of {drawn.total()} fit"


@every_layer
def test_one_wrong_argument_is_refused_by_both(layer: LayerType) -> None:
    @settings(max_examples=fewer())
    @given(spoiled_cases(layer, REGISTRY))
    def law(case: Case) -> None:
        plan = agrees_with_torch(case, REGISTRY, torch_is_lenient, not_on_meta)
        event("accepted" if plan else "refused")

    law()


@every_layer
def test_numbers_in_a_symbolic_plan_give_the_concrete_one(layer: LayerType) -> None:
    @settings(max_examples=fewer())
    @given(cases(layer, REGISTRY).flatmap(opened))
    def law(case: Opened) -> None:
        event("accepted" if substitutes(case, REGISTRY) else "refused")

    law()


@every_layer
def test_what_is_saved_for_the_backward_pass(layer: LayerType) -> None:
    @settings(max_examples=max(settings().max_examples // 8, 15))
    @given(cases(layer, REGISTRY, legal=True))
    def law(case: Case) -> None:
        event("compared" if saves_what_torch_saves(case, REGISTRY) else "not trained")

    law()
