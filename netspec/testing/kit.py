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
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from netspec import layers as builtin
from netspec.declaration import LayerType, imported
from netspec.diagnostics import SpecError
from netspec.registry import PluginError, Registry
from netspec.registry.installed import LAYERS, installed_plugins, listing
from netspec.testing.broken import LawBroken, first_line, raised_at
from netspec.testing.cases import Case, Drawn, Opened, case_of, opened, spoiled_cases
from netspec.testing.cases import cases as cases_of
from netspec.testing.fitting import Fitting
from netspec.testing.laws import Reason, Tolerance, agrees_with_torch, saves_what_torch_saves
from netspec.testing.signatures import differences
from netspec.testing.state_laws import keeps_its_state
from netspec.testing.survival import survives_copies, survives_export, survives_text
from netspec.testing.symbolic import substitutes

T = TypeVar("T")
#: From so many examples on, those of a profile are for all laws of a layer together.
MANY = 1_000
#: A test reports no more ways in which one layer breaks one law.
MOST_WAYS = 5


def strict(case: Case, refused: SpecError) -> None:
    """What netspec refuses, torch has to refuse."""


def conformance(
    plugin: str | ModuleType,
    *,
    cases: Mapping[str, st.SearchStrategy[Drawn]] | None = None,
    examples: Mapping[str, Sequence[Drawn]] | None = None,
    fitting: Mapping[str, Fitting] | None = None,
    tolerance: Tolerance = strict,
    not_on_meta: Reason | None = None,
    left_out: Mapping[str, str] | None = None,
    not_exported: Mapping[str, str] | None = None,
    max_examples: int | None = None,
) -> type:
    """A class of tests, for pytest, of every layer that a plugin brings.

    Each law draws arguments and inputs from the layer's declaration with hypothesis: their types,
    limits and defaults, and the ranks of inputs that the docstring shows (``(N, C, H, W)``). What
    breaks it is made as small as possible and shown as the YAML that one would write, with what
    was planned, what torch does, and the rule or class to mend. The laws are the tests of the
    class; ``docs/conformance.md`` has them with a failure of each kind.

    Args:
        plugin: the module that the entry point names, or its name.
        cases: by layer, a strategy of cases where random arguments seldom fit: ``(arguments,
            input)``, as ``({"num_heads": 2}, (1, 3, 8))``. An input is the shape of a float32
            tensor, or a TensorType; further inputs follow. Some of them may be wrong: netspec and
            torch have to refuse those both. One case of five is drawn from the declaration still.
        examples: by layer, cases that every law tries before those that it draws.
        fitting: by layer, a function from the first input to a strategy of arguments that fit it,
            for when the arguments alone are the difficulty.
        tolerance: gets a case that netspec refuses and torch takes, and the SpecError: a text
            that says why netspec is right to, or None where it is not.
        not_on_meta: gets a case that meta refuses and the cpu takes: a text that says why.
        left_out: arguments of a class that its layer has not, ``Class.argument`` to the reason.
        not_exported: layers that torch.export cannot take, with the reason.
        max_examples: cases of a law of one layer, where it shall not be the number of hypothesis'
            profile. Some laws try fewer, the first one more of a layer of many arguments.
    """
    module: Any = importlib.import_module(plugin) if isinstance(plugin, str) else plugin
    registry = Registry()
    refused = ""
    if module is not builtin:
        try:
            registry.register(module)
        except PluginError as problem:
            refused = str(problem)
    if refused:
        pytest.fail(refused, pytrace=False)
    layers: dict[str, LayerType] = {layer.name: layer for layer in module.netspec_layers()}
    own, first, draws, skipped = cases or {}, examples or {}, fitting or {}, not_exported or {}
    for name in {*own, *first, *draws, *skipped} - {*layers}:
        pytest.fail(
            f"conformance() is told of {name!r}, which is no layer of {module.__name__}", False
        )
    every_layer = pytest.mark.parametrize("layer", layers.values(), ids=layers)

    def holds(
        law: Callable[[Case], object],
        layer: LayerType,
        count: int,
        legal: bool | None = None,
    ) -> None:
        strategy = cases_of(
            layer, registry, legal=legal, fitting=draws.get(layer.name), own=own.get(layer.name)
        )
        _run(
            law, layer, strategy, count, [case_of(layer, one) for one in first.get(layer.name, ())]
        )

    def usual() -> int:
        return max_examples or settings().max_examples

    class Conformance:
        @every_layer
        def test_the_arguments_are_those_of_the_class(self, layer: LayerType) -> None:
            """Names, order and defaults; and a docstring says what the layer does."""
            found = [*differences(layer, imported(layer.target), left_out)]
            for argument, default in layer.defaults.items():
                kind = layer.arguments[argument].kind
                if not kind.accepts(default):
                    found.append(f"`{argument}` of `{layer.name}` does not take {default!r}")
            if not layer.summary:
                found.append(f"the rule of `{layer.name}` has no docstring, which users read")
            if found:
                pytest.fail("\n".join(found), pytrace=False)

        def test_declarations_do_not_import_torch(self) -> None:
            """Nor the modules of the classes: a spec is checked without them."""
            never = {"torch", *(layer.target.rpartition(".")[0] for layer in layers.values())}
            done = subprocess.run(
                [sys.executable, "-c", _IMPORTS, module.__name__, *sorted(never)],
                input="\n".join(sys.path),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                told = done.stderr.strip().rpartition("\n")[2]
                pytest.fail(f"importing {module.__name__} alone: {told}", pytrace=False)

        def test_the_package_lists_its_layers(self) -> None:
            """A layer that the installed package does not list is found by nobody."""
            names = [name for one in layers.values() for name in (one.name, *one.was)]
            missing = unlisted(module.__name__, names)
            if missing:
                pytest.fail(missing, pytrace=False)

        @every_layer
        def test_the_plan_is_what_torch_does(self, layer: LayerType) -> None:
            """Shapes, dtypes, parameters, buffers and FLOPs on cpu and meta; or both refuse."""
            count = Counter[bool]()

            def law(case: Case) -> None:
                plan = agrees_with_torch(case, registry, tolerance, not_on_meta)
                count[plan is not None] += 1
                event("accepted" if plan else "refused")

            holds(law, layer, _most(layer, usual()))
            least = count.total() / 4 if count.total() >= 200 else 1  # a few may all be unlucky
            if count[True] < least:
                pytest.fail(
                    f"only {count[True]} of {count.total()} cases of {layer.name} fit: the kit "
                    f"needs `cases` or `fitting`, or a docstring that shows the shapes of inputs "
                    f"as ``(N, C, H, W)``",
                    pytrace=False,
                )

        @every_layer
        def test_one_wrong_argument_is_refused_by_both(self, layer: LayerType) -> None:
            """Left out, of another kind, out of its limits, or unknown."""

            def law(case: Case) -> None:
                plan = agrees_with_torch(case, registry, tolerance, not_on_meta)
                event("accepted" if plan else "refused")

            name = layer.name
            spoiled = spoiled_cases(layer, registry, fitting=draws.get(name), own=own.get(name))
            _run(law, layer, spoiled, _fewer(usual()))

        @every_layer
        def test_numbers_in_a_symbolic_plan_give_the_concrete_one(self, layer: LayerType) -> None:
            """For any names instead of sizes, with conditions or without."""

            def law(case: Opened) -> None:
                event("accepted" if substitutes(case, registry) else "refused")

            def of_layer(case: Case) -> None:
                _run(law, layer, opened(case), 5)

            name = layer.name
            for one in first.get(name, ()):
                of_layer(case_of(layer, one))
            strategy = cases_of(layer, registry, fitting=draws.get(name), own=own.get(name))
            _run(law, layer, strategy.flatmap(opened), _fewer(usual()))

        @every_layer
        def test_what_is_saved_for_the_backward_pass(self, layer: LayerType) -> None:
            """The bytes that autograd keeps in training."""

            def law(case: Case) -> None:
                compared = saves_what_torch_saves(case, registry)
                event("compared" if compared else "not trained")

            holds(law, layer, max(usual() // 8, 15), legal=True)

        @every_layer
        def test_modules_can_be_copied_and_pickled(self, layer: LayerType) -> None:
            """Copies have the same state_dict and give the same."""

            def law(case: Case) -> None:
                event("copied" if survives_copies(case, registry) else "not planned")

            holds(law, layer, 5, legal=True)

        @every_layer
        def test_state_moves_and_follows_from_the_seed(self, layer: LayerType) -> None:
            """Tensors are parameters or buffers, and no parameter is left unfilled."""

            def law(case: Case) -> None:
                event("compared" if keeps_its_state(case, registry) else "not planned")

            holds(law, layer, 3, legal=True)

        @every_layer
        def test_modules_can_be_exported(self, layer: LayerType) -> None:
            """The program of torch.export gives the same."""
            if layer.name in skipped:
                pytest.skip(skipped[layer.name])

            def law(case: Case) -> None:
                event("exported" if survives_export(case, registry) else "not planned")

            holds(law, layer, 3, legal=True)

        @every_layer
        def test_what_is_written_is_read_back(self, layer: LayerType) -> None:
            """A spec with any arguments, as YAML."""

            def law(case: Case) -> None:
                event("read back" if survives_text(case) else "not a spec")

            holds(law, layer, _fewer(usual()))

    return Conformance


#: Imports a module by itself, and refuses others that come with it.
_IMPORTS = """
import sys
name, *never = sys.argv[1:]
sys.path[:] = sys.stdin.read().split("\\n")
__import__(name)
found = [one for one in never if one in sys.modules]
if found:
    sys.exit(f"it imports {', '.join(found)} too, which takes long: name classes by their paths")
"""


def _run(
    law: Callable[[T], object],
    layer: LayerType,
    strategy: st.SearchStrategy[T],
    count: int,
    first: Iterable[T] = (),
) -> None:
    """The law for some cases, and so many drawn ones, however long each takes.

    What breaks it fails the test with its own text alone. A law may be broken in several ways: it
    is run again without those that are known, until no other is found.
    """
    profile = settings()
    chosen = settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=[phase for phase in profile.phases if phase is not Phase.explain],
    )
    known: dict[int, str] = {}

    def of_layer(case: T) -> None:
        with torch.random.fork_rng(devices=[]):  # the test process keeps its own numbers
            torch.default_generator.manual_seed(0)  # and a case has the same ones every time
            try:
                law(case)
            except LawBroken as problem:
                for one in (problem, *problem.others):
                    if raised_at(one) not in known:
                        raise one from None

    of_layer.__name__ = f"{law.__name__}_{layer.name}"  # hypothesis remembers failures by name
    while len(known) < MOST_WAYS:
        test = given(strategy)(of_layer)
        for case in first:
            test = example(case)(test)
        try:
            chosen(test)()
        except LawBroken as found:
            known[raised_at(found)] = str(found)
        except Flaky as flaky:
            told = [str(problem) for problem in getattr(flaky, "exceptions", ()) if str(problem)]
            known[-1] = f"not every time, but at least once: {(told or [first_line(flaky)])[0]}"
            break
        else:
            break
    if known:  # here, where no exception is shown with it
        pytest.fail("\n".join(known.values()), pytrace=False)


def unlisted(module: str, layers: Iterable[str]) -> str:
    """The lines that the entry points of a plugin's package lack; empty if it lists nothing."""
    for one in installed_plugins().plugins:
        if one.target.partition(":")[0] == module and one.listed is not None:
            missing = [name for name in layers if not one.lists(name, LAYERS)]
            if missing:
                lines = "\n".join(listing(name, module) for name in missing)
                return (
                    f"{one.package} does not list all its layers\nfix: install it again with "
                    f'[project.entry-points."netspec.layers"]\n{lines}'
                )
    return ""


def _most(layer: LayerType, usual: int) -> int:
    """More for a layer with more arguments, which have to be met together.

    Of a profile's thousands half are for this law, a quarter for each of two others.
    """
    return usual // 2 if usual >= MANY else max(usual // 2, usual * len(layer.arguments) // 4)


def _fewer(usual: int) -> int:
    """For the laws beside the first, which meet what they look for sooner."""
    return usual // 4 if usual >= MANY else max(usual // 2, 10)
