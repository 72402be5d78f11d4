"""Plans are values: they compare by content, and are copied, pickled and written as JSON."""

import copy
import json
import pickle
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import netspec
from netspec import Plan
from netspec.declaration import Output, TensorType, layer

SPECS = Path(__file__).parents[2] / "specs"
TEXTS = {
    "a chain": "input: [N, 28, 28]\nlayers: [flatten, linear: 8, relu]",
    "sizes and conditions": """
input: {shape: [N, 3, H, W], H: {min: 32, multiple_of: 32}}
layers: [conv2d: {out_channels: 4, kernel_size: 7, stride: 2}, split: {branches: [[relu], []]}]
""",
    "composites": """
input: [N, 8]
layers:
- residual: [linear: 8]
- {name: cut, layers: [concat: [[linear: 4], [linear: 2]]]}
- {name: token, parameter: {shape: [1, 6], init: {normal: {std: 0.5}}}}
- {add: , from: [cut, token]}
""",
    "containers that are equal, and called again": """
input: [N, 8]
blocks: {mlp: {params: {width: }, register: [down, up], layers: {
  up: {linear: $width}, act: relu, down: {linear: 8}}}}
layers: [{name: twice, repeat: 2, mlp: 16}, {name: other, mlp: 16}, {use: twice}]
""",
    "outputs": """
input: [N, T, 8]
layers:
- {name: lstm, lstm: 4}
- {name: head, linear: 2}
- {name: extra, linear: 2, from: lstm}
outputs: {out: head, state: lstm.h_n}
auxiliary: {aux: extra}
""",
    "how weights begin, ties, devices and what is frozen": """
input: {shape: [N, T], dtype: int64}
params: {gain: 2}
init:
  linear: {weight: {normal: {std: $(gain / in_features)}}}
  layer_norm: {weight: {constant: {val: .inf}}}
tie: {head.weight: embed.weight}
freeze: [norm]
layers:
- {name: embed, embedding: {num_embeddings: 9, embedding_dim: 4}, init: {weight: orthogonal}}
- {name: norm, layer_norm: 4, device: meta}
- {name: inner, freeze: true, layers: [linear: 4]}
- {name: head, linear: {out_features: 9, bias: false}}
""",
}
FILES = [path.name for path in sorted(SPECS.glob("*.yaml"))]


def planned(text: str) -> Plan:
    return netspec.plan(netspec.loads(f"netspec: 1\n{text}"))


PLANS: dict[str, Callable[[], Plan]] = {
    **{name: partial(planned, text) for name, text in TEXTS.items()},
    **{name: partial(netspec.plan, SPECS / name) for name in FILES},
    "of a builder": lambda: netspec.Builder("N", 8).linear(4).relu().plan(),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_a_value(name: str) -> None:
    plan = PLANS[name]()
    assert PLANS[name]() == plan
    assert hash(PLANS[name]()) == hash(plan)
    assert copy.deepcopy(plan) == plan
    kept = pickle.loads(pickle.dumps(plan))
    assert kept == plan
    assert kept.layers == plan.layers


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_is_written_as_json_and_read_back(name: str) -> None:
    plan = PLANS[name]()
    text = plan.to_json()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    again = Plan.from_json(text)
    again.graph.lint()
    assert again == plan
    assert again.layers == plan.layers
    assert str(again) == str(plan)
    assert again.to_json() == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("layers: [linear: 4]", "layers: [linear: {out_features: 4, bias: false}]"),
        ("layers: [linear: 8, relu]", "layers: {a: {linear: 8}, b: relu}"),
        ("layers: [linear: 8]", "layers: [{linear: 8, freeze: true}]"),
        ("layers: [linear: 8]", "init: {linear: {weight: zeros}}\nlayers: [linear: 8]"),
        ("layers: [linear: 8]", "layers: [{linear: 8, init: {weight: zeros}}]"),
        ("layers: [linear: 8]", "layers: [{linear: 8, device: meta}]"),
        ("layers: [linear: 8, linear: 8]", "layers: [linear: 8, [linear: 8]]"),
    ],
)
def test_plans_of_other_models_are_not_equal(one: str, other: str) -> None:
    assert planned(f"input: [N, 8]\n{one}") != planned(f"input: [N, 8]\n{other}")


def test_where_and_how_it_was_written_is_not_part_of_a_plan() -> None:
    one = planned("input: [N, 8]\nlayers: [linear: 4]")
    text = "params: {width: 4}\ninput: [N, 8]\nlayers:\n\n- linear: {out_features: $width}"
    assert planned(text) == one


def test_what_is_shared_is_written_once() -> None:
    values = json.loads(PLANS["containers that are equal, and called again"]().to_json())
    assert len(values["layers"]) == 3
    assert values["graphs"][values["graph"]]["nodes"][-1]["again"] is True


def changed(change: Callable[[Any], object]) -> str:
    values = json.loads(PLANS["composites"]().to_json())
    change(values)
    return json.dumps(values)


def node(values: Any, place: int) -> Any:
    return values["graphs"][values["graph"]]["nodes"][place]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(netspec_plan=2), "it is of version 2, not 1"),
        (lambda values: values.pop("graphs"), "KeyError"),
        (lambda values: node(values, 0).update(to=[7]), "makes the values [1], not [7]"),
        (lambda values: node(values, 0).update({"from": [-1]}), "reads what are no values"),
        (lambda values: node(values, 0).update({"from": [9]}), "IndexError"),
        (lambda values: node(values, 0).update(name="a.b"), "'a.b' is no name of a child"),
        (lambda values: node(values, 2).update(graph=values["graph"]), "does not come before"),
        (lambda values: node(values, 1).update(function="div_by"), "KeyError"),
        (lambda values: values["layers"][0]["outputs"]["output"].update(shape=[1, 8]),
         "linear of netspec"),
        (lambda values: node(values, 3)["parameter"].update(init={"os.system": {}}),
         "there is no initialiser 'os.system'"),
        (lambda values: values.update(frozen=["nothing"]), "frozen that is not there"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(change: Callable[[Any], object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Plan.from_json(changed(change))


def test_the_layers_of_a_json_are_checked_like_those_of_a_spec() -> None:
    wrong = changed(lambda values: values["layers"][0]["arguments"].update(out_features="8"))
    with pytest.raises(netspec.SpecError, match="out_features"):
        Plan.from_json(wrong)
    unknown = changed(lambda values: values["layers"][0].update(layer="mine.linaer"))
    with pytest.raises(netspec.SpecError, match=r"mine\.linaer is not a layer"):
        Plan.from_json(unknown)


def test_a_json_with_more_layers_than_a_spec_may_have_is_refused() -> None:
    """Graphs that call the one before ten times each: 10**9 layers in a few lines."""
    values = json.loads(planned("input: [N, 8]\nlayers: [[relu]]").to_json())
    call, inner = values["graphs"][1]["nodes"][0], values["graphs"][0]
    for depth in range(9):
        nodes = [{**call, "name": str(at), "graph": depth, "from": [at], "to": [at + 1]}
                 for at in range(10)]  # fmt: skip
        outputs = {**inner["outputs"], "values": [10]}
        values["graphs"][depth + 1 :] = [{**inner, "nodes": nodes, "outputs": outputs}]
        values["graph"] = depth + 1
    with pytest.raises(ValueError, match="more than 50,000 layers"):
        Plan.from_json(json.dumps(values))


def test_a_pickled_layer_names_the_plugin_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("netspec_gone")

    def gated(input: TensorType) -> Output:
        return Output(input.shape)

    gated.__module__ = "netspec_gone"
    declared = layer("netspec_gone_torch.Gated")(gated)
    module.gated = declared  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "netspec_gone", module)
    text = pickle.dumps(declared)
    assert pickle.loads(text) is declared
    monkeypatch.delitem(sys.modules, "netspec_gone")
    with pytest.raises(pickle.UnpicklingError, match=r"the layer gated .* install netspec_gone"):
        pickle.loads(text)
