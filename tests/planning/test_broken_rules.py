"""A plugin's rule that fails is a diagnostic that names the plugin, never a traceback."""

from typing import Any

import pytest

import netspec
from netspec.plugin import LayerType, Output, TensorType, Work, hookimpl, layer
from netspec.registry import Registry


@layer("torch.nn.Identity")
def divides(input: TensorType) -> Output:
    """Fails."""
    return Output((1 // 0,))


@layer("torch.nn.Identity")
def nothing(input: TensorType) -> Any:
    """Gives nothing."""


@layer("torch.nn.Identity")
def passes(input: TensorType) -> Any:
    """Gives its input, as one may think a rule should."""
    return input


@layer("torch.nn.Identity")
def forgets(input: TensorType) -> Output:
    """Saves what it does not have."""
    return Output(input.shape, saves=("weight",))


@layer("torch.nn.Identity")
def scratches(input: TensorType) -> Output:
    """Has scratch that is no pair."""
    return Output(input.shape, scratch=(1,))  # type: ignore[arg-type]


@layer("torch.nn.Identity")
def works(input: TensorType) -> Output:
    """Works with what is not there."""
    return Output(input.shape, work=(Work("output", ("hidden",), 4),))


class Plugin:
    @hookimpl
    def netspec_layers(self) -> list[LayerType]:
        return [divides, nothing, passes, forgets, scratches, works]


@pytest.mark.parametrize("name", ["divides", "nothing", "passes", "forgets", "scratches", "works"])
def test_a_failing_rule_is_a_diagnostic(name: str) -> None:
    registry = Registry()
    registry.register(Plugin(), name="bad", package="netspec-bad", version="3.1")
    text = f"netspec: 1\ninput: [N, 3]\nlayers:\n  - relu\n  - {name}\n  - reluu\n"
    found = netspec.check(text, registry=registry)
    assert [d.code for d in found] == ["rule-failed", "unknown-layer"]
    assert "netspec-bad 3.1" in found[0].help[0]
    assert "`1` gets [N, 3]" in found[0].notes[0].message
