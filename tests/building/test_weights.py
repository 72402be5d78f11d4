"""How weights begin: rules by kind of layer, rules of one layer, ties, and parameters of scopes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import netspec

HEAD = "netspec: 1\ninput: [N, 8]\n"


def test_rules_are_applied_in_the_order_of_modules() -> None:
    text = HEAD + (
        "params: {gain: 2.0}\n"
        "init:\n"
        "  linear: {weight: {normal: {std: $(gain / sqrt(in_features))}}, bias: 0.5}\n"
        "layers:\n"
        "  - linear: 4\n"
        "  - {linear: 6, init: {weight: {kaiming_normal: {mode: fan_out, nonlinearity: relu}}}}\n"
        "  - linear: {out_features: 3, bias: false}\n"
    )
    model = netspec.build(netspec.loads(text), seed=3, device="cpu")
    torch.manual_seed(3)
    first, second, third = nn.Linear(8, 4), nn.Linear(4, 6), nn.Linear(6, 3, bias=False)
    nn.init.normal_(first.weight, std=2.0 / 8**0.5)
    nn.init.constant_(first.bias, 0.5)
    nn.init.kaiming_normal_(second.weight, mode="fan_out", nonlinearity="relu")
    nn.init.normal_(third.weight, std=2.0 / 6**0.5)
    expected = nn.Sequential(first, second, third)
    for (name, ours), theirs in zip(model.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_a_scope_has_parameters_of_its_own_before_its_children() -> None:
    text = HEAD + (
        "layers:\n"
        "  - linear: 8\n"
        "  - mul: [[], [{name: gamma, parameter: {shape: [$in_features], init: 0.1}}]]\n"
    )
    model = netspec.build(netspec.loads(text), device="cpu")
    assert list(model.state_dict()) == ["gamma", "0.weight", "0.bias"]
    value = torch.rand(2, 8)
    assert torch.equal(model(value), model.get_submodule("0")(value) * 0.1)


def test_tied_parameters_are_one_and_counted_once() -> None:
    text = HEAD + "tie: {1.weight: 0.weight}\nlayers:\n  - linear: 8\n  - linear: 8\n"
    spec = netspec.loads(text)
    model = netspec.build(spec, device="cpu")
    assert model.get_parameter("1.weight") is model.get_parameter("0.weight")
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert netspec.plan(spec).total_params == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("{wieght: ones}", "0 has no parameter 'wieght'"),
        ("{bias: xavier_uniform}", "xavier_uniform fails"),
        ("{bias: $(nobody * 2)}", "there is no value called 'nobody'"),
    ],
)
def test_what_cannot_begin_so_is_said_with_its_place(init: str, message: str) -> None:
    spec = netspec.loads(f"{HEAD}layers:\n  - {{linear: 8, init: {init}}}\n")
    with pytest.raises(netspec.SpecError) as error:
        netspec.build(spec, device="cpu")
    (found,) = error.value.diagnostics
    assert found.code == "bad-init"
    assert message in found.message
    assert found.location.line == 4
