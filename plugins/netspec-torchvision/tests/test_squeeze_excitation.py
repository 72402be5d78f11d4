"""A layer without a rule: what is probed is what torchvision's module does."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_torchvision import plugin
from netspec_torchvision.layers.squeeze_excitation import squeeze_excitation

import netspec
from netspec.declaration import imported
from netspec.testing.cases import Case, cases, opened
from netspec.testing.kit import strict
from netspec.testing.laws import agrees_with_torch, saves_what_torch_saves
from netspec.testing.signatures import differences
from netspec.testing.survival import survives_copies, survives_export, survives_text
from netspec.testing.symbolic import substitutes

REGISTRY = netspec.Registry()
REGISTRY.register(plugin, name="torchvision")
DRAWN: st.SearchStrategy[Case] = cases(squeeze_excitation, REGISTRY)


def test_the_arguments_are_those_of_the_class() -> None:
    assert list(differences(squeeze_excitation, imported(squeeze_excitation.target))) == []
    assert list(squeeze_excitation.inferred) == ["input_channels"]


@settings(deadline=None, max_examples=25)
@given(DRAWN)
def test_the_plan_is_what_torchvision_does(case: Case) -> None:
    agrees_with_torch(case, REGISTRY, strict)


@settings(deadline=None, max_examples=25)
@given(DRAWN)
def test_it_saves_what_torch_saves(case: Case) -> None:
    saves_what_torch_saves(case, REGISTRY)


@settings(deadline=None, max_examples=6)
@given(DRAWN.flatmap(opened))
def test_numbers_in_a_symbolic_plan_give_the_concrete_one(case: Any) -> None:
    substitutes(case, REGISTRY)


@settings(deadline=None, max_examples=6)
@given(cases(squeeze_excitation, REGISTRY, legal=True))
def test_it_is_copied_exported_and_written(case: Case) -> None:
    survives_copies(case, REGISTRY)
    survives_export(case, REGISTRY)
    survives_text(case)


def test_its_plan_for_all_sizes() -> None:
    spec = netspec.loads("netspec: 1\ninput: [N, 16, H, W]\nlayers: [squeeze_excitation: 4]\n")
    plan = netspec.plan(spec, registry=REGISTRY, prove=True)
    (row,) = plan.layers
    assert str(row.outputs[0]) == "[N, 16, H, W]"
    assert (row.trust, plan.total_params, str(plan.total_macs)) == ("proven", 148, "128*N")
