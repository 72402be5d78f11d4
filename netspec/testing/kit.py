"""The tests of a plugin's layers, in one line of its own tests.

::

    from netspec.testing import conformance

    TestLayers = conformance("netspec_mylayers.plugin")
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from netspec import layers as builtin
from netspec.declaration import LayerType, imported
from netspec.diagnostics import SpecError
from netspec.registry import Registry
from netspec.testing.cases import Case, Opened, cases, opened, spoiled_cases
from netspec.testing.fitting import Fitting
from netspec.testing.laws import (
    Tolerance,
    agrees_with_torch,
    saves_what_torch_saves,
    substitutes,
)
from netspec.testing.signatures import differences
from netspec.testing.survival import survives_copies, survives_export, survives_text

T = TypeVar("T")
#: From so many examples on, those of a profile are for all laws of a layer together.
MANY = 1_000


def strict(case: Case, refused: SpecError) -> None:
    """What netspec refuses, torch has to refuse."""


def conformance(
    plugin: str | ModuleType,
    *,
    tolerance: Tolerance = strict,
    not_on_meta: Tolerance | None = None,
    left_out: Mapping[str, str] | None = None,
    fitting: Mapping[str, Fitting] | None = None,
    not_exported: Mapping[str, str] | None = None,
) -> type:
    """A class of tests, for pytest, of every layer that a plugin brings.

    Each law draws arguments and inputs from the layer's declaration with hypothesis, and shows
    the smallest case that breaks it as the YAML that one would write.

    Args:
        plugin: the module that the entry point names, or its name.
        tolerance: says why netspec refuses what torch accepts, where there is a reason.
        not_on_meta: says why the meta device, where nothing is computed, refuses what the cpu
            takes.
        left_out: arguments of a class that its layer has not, ``Class.argument`` to the reason.
        fitting: by layer, what draws arguments that fit an input, where those that are drawn one
            by one seldom do.
        not_exported: layers that torch.export cannot take, with the reason.
    """
    module: Any = importlib.import_module(plugin) if isinstance(plugin, str) else plugin
    registry = Registry()
    if module is not builtin:
        registry.register(module)
    layers = {layer.name: layer for layer in module.netspec_layers()}
    draws, skipped = fitting or {}, not_exported or {}
    every_layer = pytest.mark.parametrize("layer", layers.values(), ids=layers)

    def drawn(layer: LayerType, legal: bool | None = None) -> st.SearchStrategy[Case]:
        return cases(layer, registry, legal=legal, fitting=draws.get(layer.name))

    class Conformance:
        @every_layer
        def test_the_arguments_are_those_of_the_class(self, layer: LayerType) -> None:
            """Names, order and defaults; and a docstring says what the layer does."""
            found = [*differences(layer, imported(layer.target), left_out)]
            assert not found, "\n".join(found)
            for argument, default in layer.defaults.items():
                kind = layer.arguments[argument].kind
                assert kind.accepts(default), (
                    f"{argument} of {layer.name} does not take {default!r}"
                )
            assert layer.summary, f"{layer.name} has no docstring"

        def test_declarations_do_not_import_torch(self) -> None:
            code = f"import sys; sys.path[:] = {sys.path!r}; import {module.__name__}"
            done = subprocess.run(
                [sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=False
            )
            assert done.returncode == 0, f"importing {module.__name__} imports torch, or fails"

        @every_layer
        def test_the_plan_is_what_torch_does(self, layer: LayerType) -> None:
            """Shapes, dtypes, parameters, buffers and FLOPs on cpu and meta; or both refuse."""
            count = Counter[bool]()

            def law(case: Case) -> None:
                plan = agrees_with_torch(case, registry, tolerance, not_on_meta)
                count[plan is not None] += 1
                event("accepted" if plan else "refused")

            _run(law, drawn(layer), _examples(layer))
            least = count.total() / 4 if count.total() >= 200 else 1  # a few may all be unlucky
            assert count[True] >= least, (
                f"only {count[True]} of {count.total()} drawn cases fit: `fitting` can draw better"
            )

        @every_layer
        def test_one_wrong_argument_is_refused_by_both(self, layer: LayerType) -> None:
            def law(case: Case) -> None:
                plan = agrees_with_torch(case, registry, tolerance, not_on_meta)
                event("accepted" if plan else "refused")

            spoiled = spoiled_cases(layer, registry, fitting=draws.get(layer.name))
            _run(law, spoiled, _fewer())

        @every_layer
        def test_numbers_in_a_symbolic_plan_give_the_concrete_one(self, layer: LayerType) -> None:
            def law(case: Opened) -> None:
                event("accepted" if substitutes(case, registry) else "refused")

            _run(law, drawn(layer).flatmap(opened), _fewer())

        @every_layer
        def test_what_is_saved_for_the_backward_pass(self, layer: LayerType) -> None:
            def law(case: Case) -> None:
                compared = saves_what_torch_saves(case, registry)
                event("compared" if compared else "not trained")

            _run(law, drawn(layer, True), max(settings().max_examples // 8, 15))

        @every_layer
        def test_modules_can_be_copied_and_pickled(self, layer: LayerType) -> None:
            def law(case: Case) -> None:
                event("copied" if survives_copies(case, registry) else "not planned")

            _run(law, drawn(layer, True), 5)

        @every_layer
        def test_modules_can_be_exported(self, layer: LayerType) -> None:
            if layer.name in skipped:
                pytest.skip(skipped[layer.name])

            def law(case: Case) -> None:
                event("exported" if survives_export(case, registry) else "not planned")

            _run(law, drawn(layer, True), 3)

        @every_layer
        def test_what_is_written_is_read_back(self, layer: LayerType) -> None:
            def law(case: Case) -> None:
                event("read back" if survives_text(case) else "not a spec")

            _run(law, drawn(layer), _fewer())

    return Conformance


def _run(law: Callable[[T], None], strategy: st.SearchStrategy[T], examples: int) -> None:
    """The law for so many examples of the loaded profile, however long each takes."""
    chosen = settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    chosen(given(strategy)(law))()


def _examples(layer: LayerType) -> int:
    """More for a layer with more arguments, which have to be met together.

    Of a profile's thousands half are for this law, a quarter for each of two others.
    """
    usual = settings().max_examples
    return usual // 2 if usual >= MANY else max(usual // 2, usual * len(layer.arguments) // 4)


def _fewer() -> int:
    """For the laws beside the first."""
    usual = settings().max_examples
    return usual // 4 if usual >= MANY else usual
