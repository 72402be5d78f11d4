"""Devices: found before weights exist, and values moved without touching keys or classes."""

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import nn

import netspec
from netspec.building.flow import Flow
from netspec.plugin import Refusal, hookimpl
from netspec.registry import PluginWarning, Registry

CHAIN = """
netspec: 1
input: [N, 8]
layers:
  first: {linear: 4}
  second: {device: meta, linear: 4}
  third:
    device: meta
    layers: [relu, {linear: 3}]
"""


def devices(model: nn.Module) -> dict[str, str]:
    return {name: str(tensor.device) for name, tensor in model.state_dict().items()}


def test_auto_is_the_accelerator_or_the_cpu() -> None:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    expected = "cpu" if accelerator is None else accelerator.type
    spec = netspec.loads("netspec: 1\ninput: [N, 8]\nlayers: [linear: 4]\n")
    assert next(netspec.build(spec).parameters()).device.type == expected


def test_layers_and_containers_go_where_they_say() -> None:
    model = netspec.build(netspec.loads(CHAIN), device="cpu")
    assert {name: where for name, where in devices(model).items() if "weight" in name} == {
        "first.weight": "cpu",
        "second.weight": "meta",
        "third.1.weight": "meta",
    }


def test_inputs_are_moved_where_the_device_changes() -> None:
    model = netspec.build(netspec.loads(CHAIN), device="cpu")
    seen: dict[str, str] = {}
    for name, module in model.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: str(output.device)})
        )
    assert model(torch.rand(2, 8)).shape == (2, 3)
    assert (seen["first"], seen["second"], seen["third.0"], seen[""]) == (
        "cpu",
        "meta",
        "meta",
        "meta",
    )


def test_every_input_is_moved_those_by_keyword_and_in_a_tuple_too() -> None:
    model = netspec.build(
        netspec.loads("""
netspec: 1
inputs: {x: [L, N, 8], mask: [L, L], h: [1, N, 4], c: [1, N, 4]}
layers:
  first: {from: x, linear: 4, device: meta}
  walk: {from: [first, h, c], lstm: 4, device: meta}
  look: {from: {query: walk, key: walk, value: walk, attn_mask: mask}, multihead_attention: 2,
         device: meta}
"""),
        device="cpu",
    )
    states = torch.rand(2, 1, 3, 4)
    assert model(torch.rand(5, 3, 8), torch.zeros(5, 5), *states).device.type == "meta"


def test_keys_and_classes_stay_as_they_are() -> None:
    placed = netspec.build(netspec.loads(CHAIN), device="cpu")
    plain = netspec.build(netspec.loads(CHAIN.replace("device: meta, ", "")), device="cpu")
    assert list(placed.state_dict()) == list(plain.state_dict())
    assert [type(m) for m in placed.modules()] == [type(m) for m in plain.modules()]
    assert str(placed) == str(plain)


def test_one_device_adds_no_hook() -> None:
    model = netspec.build(netspec.loads(CHAIN), device="meta")
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_placed_model_can_be_pickled_and_copied() -> None:
    model = netspec.build(netspec.loads(CHAIN), device="cpu")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other(torch.rand(2, 8)).device.type == "meta"
        assert devices(other) == devices(model)


def test_branches_of_composites_meet_on_one_device() -> None:
    text = """
netspec: 1
input: [N, 4]
layers:
  - residual: [{device: meta, linear: 4}]
  - concat: [[{name: a, linear: 2}], [{name: b, device: meta, linear: 2}]]
  - {device: meta, relu: }
"""
    model = netspec.build(netspec.loads(text), device="cpu")
    # `a` is on the cpu and would need the values of a meta tensor: only the wiring is looked at.
    assert isinstance(model, Flow)
    steps = model._steps
    assert [str(step.device) for step in steps if step.child is None] == ["meta", "cpu"]
    on_meta = netspec.build(netspec.loads(text), device="meta")
    assert isinstance(on_meta, Flow)
    assert on_meta(torch.rand(3, 4, device="meta")).shape == (3, 4)
    assert all(step.device is None for step in on_meta._steps)


@pytest.mark.parametrize("device", ["cuda:99", "nope", "xpu:7", "cpu:x", ""])
def test_a_device_that_is_not_there_is_an_error_before_any_weight(device: str) -> None:
    made: list[str] = []
    handle = torch.nn.modules.module.register_module_parameter_registration_hook(
        lambda module, name, parameter: made.append(name)
    )
    try:
        with pytest.raises(netspec.SpecError) as raised:
            netspec.build(netspec.loads("netspec: 1\ninput: [N, 8]\nlayers: [linear: 4]\n"),
                          device=device)  # fmt: skip
        assert made == []
    finally:
        handle.remove()
    assert raised.value.diagnostics[0].code == "no-device"
    assert "this machine has cpu, meta" in str(raised.value)


def test_a_missing_device_in_a_spec_is_reported_where_it_is_written() -> None:
    text = """\
netspec: 1
input: [N, 8]
layers:
  - {device: "cuda:99", linear: 4}
  - device: cuda:98
    layers:
      - relu
      - linear: 4
  - relu
"""
    with pytest.raises(netspec.SpecError) as raised:
        netspec.build(netspec.loads(text, "m.yaml"), device="cpu")
    places = [(d.location.line, d.location.column) for d in raised.value.diagnostics]
    assert places == [(4, 14), (5, 13)]


class Recorder:
    """A plugin that resolves a word of its own and writes down what it places."""

    def __init__(self) -> None:
        self.placed: list[tuple[str, str]] = []

    @hookimpl
    def netspec_resolve_device(self, request: str) -> str | None:
        return {"auto": "meta", "biggest": "cpu"}.get(request)

    @hookimpl
    def netspec_place(self, module: nn.Module, path: str, device: str) -> None:
        self.placed.append((path, device))


def with_plugin(plugin: Any) -> Registry:
    registry = Registry()
    registry.register(plugin, name="recorder", package="netspec-recorder", version="1.0")
    return registry


def test_hooks_overrule_auto_and_see_every_layer() -> None:
    recorder = Recorder()
    text = CHAIN.replace("device: meta, linear", "device: biggest, linear")
    model = netspec.build(netspec.loads(text), registry=with_plugin(recorder))
    assert recorder.placed == [
        ("first", "meta"),
        ("second", "cpu"),
        ("third.0", "meta"),
        ("third.1", "meta"),
    ]
    assert devices(model)["second.bias"] == "cpu"


class Replacer:
    @hookimpl
    def netspec_place(self, module: nn.Module, path: str, device: str) -> nn.Module | None:
        return nn.Identity() if path == "second" else None


def test_a_hook_may_give_another_module() -> None:
    model = netspec.build(
        netspec.loads(CHAIN.replace("meta", "cpu")), device="cpu", registry=with_plugin(Replacer())
    )
    assert isinstance(model.get_submodule("second"), nn.Identity)
    assert model(torch.rand(2, 8)).shape == (2, 3)


class Broken:
    @hookimpl
    def netspec_resolve_device(self, request: str) -> Any:
        raise RuntimeError("no idea")


class Rubbish:
    @hookimpl
    def netspec_resolve_device(self, request: str) -> Any:
        return 3

    @hookimpl
    def netspec_place(self, module: nn.Module, path: str, device: str) -> Any:
        return "placed"


@pytest.mark.parametrize(
    ("plugin", "message"),
    [(Broken(), "RuntimeError: no idea"), (Rubbish(), "it gives 3, not the name of a device")],
)
def test_a_hook_that_fails_is_disabled_and_netspecs_own_goes_on(
    plugin: object, message: str
) -> None:
    registry = with_plugin(plugin)
    with pytest.warns(PluginWarning, match=message):
        model = netspec.build(netspec.loads(CHAIN), device="cpu", registry=registry)
    assert devices(model) == devices(netspec.build(netspec.loads(CHAIN), device="cpu"))


class Placing:
    @hookimpl
    def netspec_place(self, module: nn.Module, path: str, device: str) -> Any:
        return "placed"


def test_a_layer_that_no_plugin_places_well_is_placed_by_netspec() -> None:
    with pytest.warns(PluginWarning, match="it gives 'placed', which is no module"):
        model = netspec.build(netspec.loads(CHAIN), device="cpu", registry=with_plugin(Placing()))
    assert devices(model) == devices(netspec.build(netspec.loads(CHAIN), device="cpu"))


class Refusing:
    @hookimpl
    def netspec_resolve_device(self, request: str) -> str:
        raise Refusal("the cluster sleeps on Sundays")


def test_a_hook_may_refuse_with_words_of_its_own() -> None:
    with pytest.raises(netspec.SpecError, match="the cluster sleeps on Sundays"):
        netspec.build(netspec.loads(CHAIN), device="cpu", registry=with_plugin(Refusing()))


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="needs an accelerator")
def test_values_really_move_between_the_cpu_and_an_accelerator() -> None:
    where = str(torch.accelerator.current_accelerator())
    text = CHAIN.replace("device: meta", f"device: {where}")
    moved = netspec.build(netspec.loads(text), device="cpu", seed=0)
    plain = netspec.build(netspec.loads(text.replace(where, "cpu")), device="cpu", seed=0)
    values = torch.rand(5, 8)
    assert torch.allclose(moved(values).cpu(), plain(values), atol=1e-5)
    moved(values).sum().backward()
    assert all(parameter.grad is not None for parameter in moved.parameters())
