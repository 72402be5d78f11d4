"""Layers and arguments that a plugin has renamed, or asks not to use any more."""

from typing import Annotated, Any

import pytest
from torch import Tensor, nn

import netspec
from netspec.diagnostics.fix import Fix, apply_fixes
from netspec.plugin import (
    Deprecated,
    LayerType,
    Output,
    Positive,
    TensorType,
    Was,
    from_class,
    hookimpl,
    layer,
)
from netspec.registry import PluginError

HEAD = "netspec: 1\ninput: [N, 8]\nlayers:\n"


class Gated(nn.Module):
    def __init__(self, features: int, size: int = 1) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor) -> Tensor:
        return x


@layer(f"{__name__}.Gated", was="gate")
def gated(
    input: TensorType,
    *,
    features: Annotated[Positive, Was("hidden")],
    size: Annotated[int, Deprecated("it has no effect")] = 1,
) -> Output:
    """Keeps its input. Shape: ``(*)`` -> ``(*)``."""
    return Output(input.shape)


@layer(f"{__name__}.Gated", deprecated="use gated")
def old_gated(input: TensorType, *, features: Positive) -> Output:
    """Keeps its input. Shape: ``(*)`` -> ``(*)``."""
    return Output(input.shape)


def registered(*layers: LayerType) -> netspec.Registry:
    class Plugin:
        @hookimpl
        def netspec_layers(self) -> tuple[LayerType, ...]:
            return layers

    registry = netspec.Registry()
    registry.register(Plugin(), name="mine", package="netspec-mine", version="1.0")
    return registry


@pytest.fixture(scope="module")
def registry() -> netspec.Registry:
    return registered(gated, old_gated)


def found(text: str, registry: netspec.Registry) -> list[tuple[str, str, str]]:
    return [(d.severity, d.code, d.message) for d in netspec.check(text, registry=registry)]


@pytest.mark.parametrize(
    ("written", "new", "messages"),
    [
        ("gate: 4", "gated: 4", ["gate is now called gated"]),
        ("mine.gate: 4", "mine.gated: 4", ["gate is now called gated"]),
        ("gated: {hidden: 4}", "gated: {features: 4}", ["hidden of gated is now called features"]),
        (
            "gate: {hidden: 4}",
            "gated: {features: 4}",
            ["gate is now called gated", "hidden of gated is now called features"],
        ),
    ],
)
def test_a_former_name_is_taken_with_a_warning_and_its_edit(
    written: str, new: str, messages: list[str], registry: netspec.Registry
) -> None:
    text = f"{HEAD}  - {written}\n"
    findings = netspec.check(text, registry=registry)
    assert [(d.severity, d.code, d.message) for d in findings] == [
        ("warning", "former-name", message) for message in messages
    ]
    fixes: list[Fix] = [fix for d in findings for fix in d.fixes]
    assert apply_fixes(text, fixes) == f"{HEAD}  - {new}\n"
    for one in (text, f"{HEAD}  - {new}\n"):
        (row,) = netspec.plan(netspec.loads(one), registry=registry).layers
        assert row.arguments == {"features": 4, "size": 1}


def test_every_use_is_told_whatever_the_planner_remembers(registry: netspec.Registry) -> None:
    text = f"{HEAD}  - gate: 4\n  - relu\n  - gate: 4\n"
    assert [d.location.line for d in netspec.check(text, registry=registry)] == [4, 6]


def test_what_is_deprecated_is_a_warning(registry: netspec.Registry) -> None:
    assert found(f"{HEAD}  - old_gated: 4\n", registry) == [
        ("warning", "deprecated", "old_gated is deprecated: use gated")
    ]
    assert found(f"{HEAD}  - gated: {{features: 4, size: 2}}\n", registry) == [
        ("warning", "deprecated", "size of gated is deprecated: it has no effect")
    ]
    assert found(f"{HEAD}  - gated: 4\n", registry) == []


def test_an_argument_under_both_names_is_an_error(registry: netspec.Registry) -> None:
    assert found(f"{HEAD}  - gated: {{features: 4, hidden: 4}}\n", registry) == [
        ("error", "bad-argument", "features of gated is given twice, once under a former name")
    ]


def test_the_builder_writes_the_new_name(registry: netspec.Registry) -> None:
    net: Any = netspec.Builder("N", 8, registry=registry)
    assert "gated" in net.gate(4).spec().to_yaml()


def test_a_class_has_former_names_too() -> None:
    hints = {"features": Annotated[int, Was("hidden")]}
    registry = registered(from_class(f"{__name__}.Gated", was=["gate"], hints=hints))
    assert [code for _, code, _ in found(f"{HEAD}  - gate: {{hidden: 4}}\n", registry)][:2] == [
        "former-name",
        "former-name",
    ]


@pytest.mark.parametrize("was", ["relu", "old_gated", "residual", "no name"])
def test_a_former_name_is_that_of_no_other_layer(was: str) -> None:
    with pytest.raises(PluginError, match=r"which is (another layer|no name)"):
        registered(layer(f"{__name__}.Gated", was=was)(gated.rule), old_gated)
