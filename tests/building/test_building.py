"""Building: what the classes get, and what happens when they refuse."""

import pytest
import torch
from torch import nn

import netspec
from netspec.plugin import LayerType, Output, TensorType, hookimpl, layer
from netspec.registry import Registry


@layer("nowhere_at_all.modules.Missing")
def missing(input: TensorType) -> Output:
    """A layer whose class cannot be imported."""
    return Output(input.shape)


@layer("fractions.Fraction")
def fraction(input: TensorType) -> Output:
    """A layer that makes no module."""
    return Output(input.shape)


class Plugin:
    @hookimpl
    def netspec_layers(self) -> list[LayerType]:
        return [missing, fraction]


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "nowhere_at_all.modules.Missing cannot be imported"), ("fraction", "not an nn")],
)
def test_a_class_that_cannot_be_used_is_a_diagnostic_at_the_layer(name: str, message: str) -> None:
    registry = Registry()
    registry.register(Plugin(), name="test", package="netspec-test", version="1.0")
    spec = netspec.loads(f"netspec: 1\ninput: [N, 3]\nlayers:\n  - relu\n  - {name}\n", "m.yaml")
    with pytest.raises(netspec.SpecError, match=message) as raised:
        netspec.build(spec, device="cpu", registry=registry)
    assert str(raised.value).startswith("m.yaml:5:5: error:")


def test_a_layer_too_large_for_the_machine_is_a_diagnostic_at_the_layer() -> None:
    spec = netspec.loads("netspec: 1\ninput: [N, 30000000]\nlayers:\n  - linear: 30000000\n")
    assert netspec.plan(spec).total_params == 30_000_000 * 30_000_001
    with pytest.raises(netspec.SpecError, match=r"<text>:4:5: error: torch.nn.Linear cannot be"):
        netspec.build(spec, device="cpu")


def test_layers_get_the_written_and_the_inferred_arguments() -> None:
    text = """
netspec: 1
input: [N, 3, 16, 16]
layers:
  - conv2d: {out_channels: 6, kernel_size: [3, 5], stride: 2, groups: 3, padding: [1, 2]}
  - Conv2d: {out_channels: 4, kernel_size: 1}
  - layer_norm
  - leaky_relu: 0.2
"""
    model = netspec.build(netspec.loads(text), device="cpu")
    assert str(model) == str(
        nn.Sequential(
            nn.Conv2d(3, 6, (3, 5), stride=2, groups=3, padding=(1, 2)),
            nn.Conv2d(6, 4, 1),
            nn.LayerNorm(8),
            nn.LeakyReLU(0.2),
        )
    )


def test_repeat_is_one_container_of_copies_with_weights_of_their_own() -> None:
    text = "netspec: 1\ninput: [N, 8]\nlayers:\n  - {repeat: 3, name: stack, linear: 8}\n"
    model = netspec.build(netspec.loads(text), device="cpu")
    assert [name for name, _ in model.named_parameters() if "bias" in name] == [
        "stack.0.bias",
        "stack.1.bias",
        "stack.2.bias",
    ]
    weights = [p for name, p in model.named_parameters() if "weight" in name]
    assert not torch.equal(weights[0], weights[1])


def test_a_plan_can_be_built_twice() -> None:
    plan = netspec.plan(netspec.loads("netspec: 1\ninput: [N, 8]\nlayers: [linear: 2]\n"))
    first, second = (netspec.build(plan, device="cpu", seed=4) for _ in range(2))
    assert torch.equal(first.state_dict()["0.weight"], second.state_dict()["0.weight"])
    assert first is not second


def test_a_thousand_layers_deep_is_no_recursion() -> None:
    items = "\n".join("  - linear: 4" for _ in range(3000))
    model = netspec.build(netspec.loads(f"netspec: 1\ninput: [N, 4]\nlayers:\n{items}\n"))
    assert len(list(model.children())) == 3000
