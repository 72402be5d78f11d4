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
        ("{wieght: ones}", "linear `0` has no parameter 'wieght'"),
        ("{bias: xavier_uniform}", "xavier_uniform needs two or more dims, but this is [8]"),
        ("{bias: $(nobody * 2)}", "there is no value called 'nobody'"),
        ("{weight: {kaiming_normal: {mode: null}}}", "mode of kaiming_normal takes fan_in or"),
        ("{weight: {trunc_normal: {a: 3}}}", "a is 3, above b, which is 2"),
        ("{weight: 1e39}", "1e+39 is no number of float32"),
    ],
)
def test_check_finds_what_cannot_begin_so(init: str, message: str) -> None:
    (found,) = netspec.check(f"{HEAD}layers:\n  - {{linear: 8, init: {init}}}\n")
    assert message in found.message
    assert found.location.line == 4


def test_a_rule_holds_inside_of_layers_with_the_arguments_of_the_module() -> None:
    text = (
        "netspec: 1\ninput: [N, T, 8]\nparams: {k: 2}\n"
        "init: {linear: {weight: $(in_features / k), bias: $(1 if bias else 2)}}\n"
        "layers: [self_attention: 2]\n"
    )
    model = netspec.build(netspec.loads(text), device="cpu")
    assert torch.equal(model.get_parameter("0.out_proj.weight"), torch.full((8, 8), 4.0))
    assert torch.equal(model.get_parameter("0.out_proj.bias"), torch.ones(8))


@pytest.mark.parametrize(
    ("init", "layers", "message"),
    [
        ("{linear: {wieght: 0}}", "[linear: 4]", "linear has no parameter 'wieght'"),
        ("{lstm: {weight: 0}}", "[unflatten: {dim: 1, unflattened_size: [2, 4]}, lstm: 4]", "lstm"),
        ("{conv2d: {weight: 0}}", "[linear: 4]", "the model has no conv2d"),
        # What another choice of params would bring is meant, too.
        ("{linear: {bias: 0}}", "[linear: {out_features: 4, bias: false}]", ""),
        ("{layer_norm: {weight: 1}}", "[linear: 4, {when: $norm, layer_norm: }]", ""),
        ("{layer_norm: {weight: 1}}", "[linear: 4, $kind]", ""),
        ("{Linear: {weight: 1}}", "[linear: 4]", ""),
    ],
)
def test_a_rule_that_nothing_is_meant_by_is_an_error(init: str, layers: str, message: str) -> None:
    head = HEAD + "params: {norm: false, kind: relu, other: layer_norm}\n"
    found = netspec.check(f"{head}init: {init}\nlayers: {layers}\n")
    assert [message in one.message for one in found] == [True] * bool(message)
