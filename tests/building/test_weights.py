"""How weights begin: rules by kind of layer, rules of one layer, ties, and parameters of scopes."""

from __future__ import annotations

from itertools import permutations

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


THREE = """\
netspec: 1
input: [N, 8]
layers:
  a: {linear: {out_features: 8, bias: false}, init: {weight: 1}}
  b: {linear: {out_features: 8, bias: false}, init: {weight: 2}}
  c: {linear: {out_features: 8, bias: false}, init: {weight: 3}}
"""


@pytest.mark.parametrize("keys", list(permutations(("a.weight", "b.weight", "c.weight"))))
@pytest.mark.parametrize("form", ["{0}: {1}, {1}: {2}", "{1}: {2}, {0}: {1}", "{0}: {2}, {1}: {2}"])
def test_ties_are_classes_in_any_order(keys: tuple[str, ...], form: str) -> None:
    plan = netspec.plan(netspec.loads(f"{THREE}tie: {{{form.format(*keys)}}}\n"))
    model = netspec.build(plan, device="cpu")
    (parameter,) = model.parameters()
    assert plan.total_params == parameter.numel() == 64
    # The key that is tied to no other says how it begins.
    assert parameter[0, 0] == "abc".index(keys[2][0]) + 1
    (tie,) = plan.ties
    assert (tie.source, set(tie.keys)) == (keys[2], set(keys))
    memory = netspec.memory(plan, batch=1, optimizer=None).ranks[0].devices[0]
    assert memory.parameters == 64 * 4


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("{a.weight: b.weight, b.weight: a.weight}", "a.weight to b.weight, b.weight to a.weight"),
        (
            "{c.weight: a.weight, a.weight: b.weight, b.weight: a.weight}",
            "a.weight to b.weight, b.weight to a.weight",
        ),
    ],
)
def test_a_ring_of_ties_is_refused_once(form: str, said: str) -> None:
    (found,) = netspec.check(f"{THREE}tie: {form}\n")
    assert found.code == "cycle"
    assert found.message.endswith(said)
    assert found.help == ("leave out `a.weight: b.weight`",)
    assert not netspec.check(f"{THREE}tie: {form}\n".replace("a.weight: b.weight, ", ""))


def test_a_tie_over_the_devices_of_a_spec_is_refused() -> None:
    text = THREE.replace("a: {", "a: {device: meta, ") + "tie: {a.weight: b.weight}\n"
    (found,) = netspec.check(text)
    assert found.message == (
        "a.weight is tied to b.weight, but they would be on meta and the model's own device"
    )
    assert not netspec.check(text.replace("b: {", "b: {device: meta, "))


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
