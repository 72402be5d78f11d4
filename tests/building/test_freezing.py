"""What a spec or a placement freezes is not trained, is counted so, and costs no gradients."""

from __future__ import annotations

import pytest
from torch import nn

import netspec

SPEC = """\
netspec: 1
input: [N, 8]
{top}
params: {{frozen: true}}
blocks: {{unit: [linear: 8, relu]}}
layers:
  backbone: {{{key}layers: [linear: 8, relu, {{{inner}linear: 8}}]}}
  scaled: {{mul: [[], [{{name: gain, {own}parameter: [8]}}]]}}
  again: {{{repeat}repeat: 2, unit: }}
  head: {{linear: 2}}
"""
BACKBONE = ["backbone.0.bias", "backbone.0.weight", "backbone.2.bias", "backbone.2.weight"]
AGAIN = ["again.0.0.bias", "again.0.0.weight", "again.1.0.bias", "again.1.0.weight"]


def spec(top: str = "", key: str = "", inner: str = "", own: str = "", repeat: str = "") -> str:
    return SPEC.format(top=top, key=key, inner=inner, own=own, repeat=repeat)


def frozen(model: nn.Module) -> list[str]:
    return sorted(key for key, value in model.named_parameters() if not value.requires_grad)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (spec(), []),
        (spec(key="freeze: true, "), BACKBONE),
        (spec(key="freeze: $frozen, "), BACKBONE),
        (spec(key="freeze: true, ", inner="freeze: false, "), BACKBONE[:2]),
        (spec(own="freeze: true, "), ["scaled.gain"]),
        (spec(repeat="freeze: $(index < 0), "), None),
        (spec(repeat="freeze: true, "), AGAIN),
        (spec('freeze: ["backbone.*"]'), BACKBONE),
        (spec("freeze: [backbone]"), BACKBONE),
        (spec("freeze: [scaled.gain, head.weight]"), ["head.weight", "scaled.gain"]),
        (spec('freeze: ["**.weight"]', key="freeze: false, "), [*AGAIN[1::2], "head.weight"]),
    ],
)
def test_what_is_frozen_is_not_trained(text: str, expected: list[str] | None) -> None:
    if expected is None:
        (found,) = netspec.check(text)
        assert "'index'" in found.message
        return
    read = netspec.loads(text)
    assert netspec.loads(read.to_yaml()) == read
    plan = netspec.plan(read)
    model = netspec.build(plan, device="cpu", seed=0)
    assert frozen(model) == expected == sorted(plan.frozen)
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    assert plan.trained_params == trained
    (device,) = netspec.memory(plan, batch=2, device="cpu", optimizer="sgd_momentum").devices
    assert device.gradients == device.optimizer == 4 * trained
    assert device.parameters == 4 * plan.total_params


def test_a_tied_parameter_is_frozen_under_all_its_keys() -> None:
    text = (
        "netspec: 1\ninput: [N, 8]\ntie: {b.weight: a.weight}\n"
        "layers: {a: {linear: 8}, b: {freeze: true, linear: 8}}\n"
    )
    plan = netspec.plan(netspec.loads(text))
    assert plan.frozen == {"a.weight", "b.weight", "b.bias"}
    assert plan.trained_params == 8
    assert frozen(netspec.build(plan, device="cpu")) == ["a.weight", "b.bias"]


@pytest.mark.parametrize("pattern", ["backbome.*", "backbone.1", "input"])
def test_a_pattern_that_is_like_nothing_is_an_error(pattern: str) -> None:
    (found,) = netspec.check(spec(f'freeze: ["{pattern}"]'))
    assert (found.code, found.location.line, found.location.column) == ("no-effect", 3, 10)
    placement = {"placement": 1, "freeze": [pattern]}
    with pytest.raises(netspec.SpecError) as error:
        netspec.build(netspec.loads(spec()), device="cpu", placement=placement)
    (found,) = error.value.diagnostics
    assert found.code == "bad-placement"


def test_a_placement_freezes_more() -> None:
    placement = {"placement": 1, "freeze": ["head"], "dtypes": "bfloat16"}
    read = netspec.loads(spec(own="freeze: true, "))
    model = netspec.build(read, device="cpu", placement=placement)
    assert frozen(model) == ["head.bias", "head.weight", "scaled.gain"]
    told = netspec.memory(read, batch=2, device="cpu", placement=placement)
    trained = sum(value.numel() for value in model.parameters() if value.requires_grad)
    assert told.devices[0].gradients == 2 * trained


def test_a_model_of_a_file_is_frozen_too(tmp_path: object) -> None:
    from safetensors.torch import save_file

    read = netspec.loads(spec(key="freeze: true, "))
    file = f"{tmp_path}/model.safetensors"
    save_file(netspec.build(read, device="cpu", seed=0).state_dict(), file)
    assert frozen(netspec.build(read, device="cpu", weights=file)) == BACKBONE
    parts = netspec.distribute(read, "placement: 1\ncompile: [head]\n", weights=file, device="cpu")
    assert [name for name in frozen(parts.model) if "backbone" in name] == BACKBONE
