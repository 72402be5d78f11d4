"""A rule with ``**names`` takes arguments of any further name, in all that derives from it."""

import json
from typing import Any

import pytest
from hypothesis import find
from torch import Tensor, nn

import netspec
from netspec.builder.stub import stub
from netspec.declaration.arguments import Whole
from netspec.plugin import LayerType, NotNegative, Output, TensorType, hookimpl, layer
from netspec.registry import PluginError
from netspec.render.facts import argument_rows
from netspec.render.layers import layer_page
from netspec.render.values import layer_values
from netspec.testing import agrees_with_torch, arguments
from netspec.testing.cases import Case


class Ravel(nn.Module):
    """A class that takes sizes of any name, as einops' layers do."""

    def __init__(self, pattern: str, *, loud: bool = False, **sizes: int) -> None:
        super().__init__()
        self.shape = tuple(sizes.values())

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(*self.shape, *x.shape)


@layer(f"{__name__}.Ravel")
def ravel(
    input: TensorType, /, *, pattern: str, loud: bool = False, **sizes: NotNegative
) -> Output:
    """Puts sizes before those of the input: ``(*)``."""
    return Output((*sizes.values(), *input.shape))


class Plugin:
    def __init__(self, *layers: LayerType) -> None:
        self.layers = layers

    @hookimpl
    def netspec_layers(self) -> tuple[LayerType, ...]:
        return self.layers


def registry(*layers: LayerType) -> netspec.Registry:
    made = netspec.Registry()
    made.register(Plugin(*layers), name="mine")
    return made


def planned(written: str, params: str = "") -> netspec.Plan:
    text = f"netspec: 1\n{params}\ninput: [3]\nlayers: [{{ravel: {written}}}]\n"
    return netspec.plan(netspec.loads(text), registry=registry(ravel))


def refused(written: str) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        planned(written)
    return str(caught.value)


def test_any_name_is_an_argument_even_an_input_s() -> None:
    plan = planned("{pattern: x, input: $size, h: 5}", "params: {size: 4}")
    assert plan.output_shape == (4, 5, 3)
    assert plan.layers[0].arguments == {"pattern": "x", "loud": False, "input": 4, "h": 5}
    assert ravel.inputs == ("input",)
    assert list(ravel.arguments) == ["pattern", "loud"]
    assert (ravel.required, ravel.obvious_argument) == (("pattern",), "pattern")
    assert planned("x").output_shape == (3,)


def test_their_values_are_checked() -> None:
    assert "h of ravel takes a whole number >= 0, not -1" in refused("{pattern: x, h: -1}")
    assert "remove the quotes: 8" in refused("{pattern: x, h: '8'}")
    assert "has no argument ''" in refused("{pattern: x, '': 2}")


def test_a_mistyped_argument_is_told_apart_by_its_value() -> None:
    text = refused("{patern: x}")
    assert "patern of ravel takes a whole number >= 0, not the text 'x'" in text
    assert "did you mean pattern?" in text
    assert "needs pattern" not in text


def test_the_inputs_are_positional_only() -> None:
    @layer(f"{__name__}.Ravel")
    def ravel(input: TensorType, **sizes: int) -> Output:
        return Output(input.shape)

    with pytest.raises(PluginError, match=r"positional-only: write `input, /`"):
        registry(ravel)


def test_lists_pages_and_stubs_have_them() -> None:
    one = registry(ravel).layers()["ravel"]
    assert argument_rows(ravel)[-1] == ("**sizes", "whole number >= 0, by any name", "nothing")
    assert "**sizes" in layer_page(one)
    values: dict[str, Any] = json.loads(json.dumps(layer_values(ravel, one.plugin)))
    assert values["further_arguments"] == {"name": "sizes", "takes": "a whole number >= 0"}
    assert "        device: str | None = None,\n        **sizes: int,\n" in stub(registry(ravel))


def test_the_kit_draws_them_and_compares_with_torch() -> None:
    drawn = find(arguments(ravel, legal=True), lambda found: len(found) > 2)
    assert {name for name in drawn if name not in ravel.arguments} <= {"a", "b", "c"}
    case = Case(ravel, {"pattern": "x", "a": 2}, (TensorType((3,)),))
    assert agrees_with_torch(case, registry(ravel), lambda case, error: None) is not None
    assert ravel.further is not None
    assert ravel.further.kind == Whole(0)


def test_the_builder_takes_them() -> None:
    net = netspec.Builder(3, registry=registry(ravel))
    assert net.layer("ravel", pattern="x", h=2).output_shape == (2, 3)
