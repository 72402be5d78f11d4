"""The description of a layer names its further outputs: what a spec can write after ``from``."""

import pytest
from hypothesis import given, settings

from netspec.declaration import LayerType
from netspec.diagnostics import SpecError
from netspec.registry import Registry
from netspec.testing import Case, cases

REGISTRY = Registry()
LAYERS = {name: found.layer for name, found in REGISTRY.layers().items()}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_further_outputs_are_named(layer: LayerType) -> None:
    @settings(max_examples=max(settings().max_examples // 8, 5))
    @given(cases(layer, REGISTRY, legal=True, attempts=3))
    def law(case: Case) -> None:
        plan = case.plan(REGISTRY)
        if not isinstance(plan, SpecError):
            _, *further = plan.layers[0].application.output_names
            for name in further:
                assert name.isdecimal() or f"``{name}``" in layer.description

    law()
