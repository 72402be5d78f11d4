"""The language: what a text means, told by the names and layers that come out."""

import pytest

import netspec
from netspec.spec import Concat, Layer, Layers, Residual

HEAD = "netspec: 1\ninput: [N, 8]\n"


def paths(layers: str) -> list[str]:
    """The layers of a model with their state_dict prefixes."""
    plan = netspec.plan(netspec.loads(f"{HEAD}layers:\n{layers}"))
    return [f"{layer.path} {layer.type}" for layer in plan.layers]


def test_a_list_numbers_and_a_mapping_names() -> None:
    assert paths("  - linear: 4\n  - relu\n") == ["0 linear", "1 relu"]
    assert paths("  up: {linear: 4}\n  act: relu\n") == ["up linear", "act relu"]


def test_containers_nest() -> None:
    text = """
  encoder:
    layers:
      first: [{linear: 4}, relu]
      second: relu
  decoder:
    - [linear: 2, relu]
    - linear: 8
"""
    assert paths(text) == [
        "encoder.first.0 linear",
        "encoder.first.1 relu",
        "encoder.second relu",
        "decoder.0.0 linear",
        "decoder.0.1 relu",
        "decoder.1 linear",
    ]


def test_named_items_of_a_list_are_not_counted() -> None:
    text = "  - linear: 4\n  - {name: act, relu: }\n  - linear: 8\n"
    assert paths(text) == ["0 linear", "act relu", "1 linear"]


def test_a_composite_makes_no_module() -> None:
    text = "  - linear: 4\n  - residual: [linear: 4, relu]\n  - linear: 2\n"
    assert paths(text) == ["0 linear", "1 linear", "2 relu", "3 linear"]


def test_a_name_makes_a_scope_of_a_composite() -> None:
    text = "  - {name: block, residual: [linear: 8, relu]}\n  - linear: 2\n"
    assert paths(text) == ["block.0 linear", "block.1 relu", "0 linear"]


def test_repeat_makes_one_container_of_copies() -> None:
    text = "  - {repeat: 2, residual: [linear: 8]}\n  - {repeat: 2, name: act, relu: }\n"
    assert paths(text) == ["0.0.0 linear", "0.1.0 linear", "act.0 relu", "act.1 relu"]


def test_branches_share_the_names_of_their_scope() -> None:
    text = "  - concat: [[linear: 2], [{name: b, linear: 3}], []]\n  - linear: 1\n"
    assert paths(text) == ["0 linear", "b linear", "1 linear"]
    plan = netspec.plan(netspec.loads(f"{HEAD}layers:\n{text}"))
    assert plan.layers[-1].inputs[0].shape[1] == 2 + 3 + 8


def test_child_names_may_be_what_torch_takes() -> None:
    assert paths("  block1-0: relu\n  große: relu\n  '7': relu\n  8: relu\n") == [
        "block1-0 relu",
        "große relu",
        "7 relu",
        "8 relu",
    ]


def test_the_three_forms_of_a_layer() -> None:
    spec = netspec.loads(
        f"{HEAD}layers:\n  - relu\n  - linear: 4\n  - linear: {{out_features: 4, bias: false}}\n"
    )
    assert [item.part for item in spec.layers.items] == [
        Layer("relu"),
        Layer("linear", ((None, 4),)),
        Layer("linear", (("out_features", 4), ("bias", False))),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e-5", 1e-5),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("~", None),
        ("True", True),
        ("'true'", "true"),
        ("'5'", "5"),
        ("-.inf", float("-inf")),
        ("[1, [2.0, yes]]", (1, (2.0, "yes"))),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    spec = netspec.loads(f"{HEAD}layers:\n  - thing: {{x: {text}}}\n")
    part = spec.layers.items[0].part
    assert isinstance(part, Layer)
    assert part.arguments == (("x", value),)
    assert type(part.arguments[0][1]) is type(value)


def test_anchors_are_copies() -> None:
    text = "  - &block [linear: 8, relu]\n  - *block\n"
    assert paths(text) == ["0.0 linear", "0.1 relu", "1.0 linear", "1.1 relu"]


def test_specs_are_equal_by_content_not_by_position() -> None:
    one = netspec.loads(f"{HEAD}layers:\n  a: relu\n  b: {{linear: 2}}\n")
    two = netspec.loads(f"\n\n{HEAD}layers: [{{name: a, relu: }}, {{name: b, linear: 2}}]\n")
    three = netspec.from_dict(
        {"netspec": 1, "input": ["N", 8], "layers": {"a": "relu", "b": {"linear": 2}}}
    )
    assert one == two == three
    assert one != netspec.loads(f"{HEAD}layers:\n  a: relu\n  b: {{linear: 3}}\n")


def test_what_is_written_is_read_back() -> None:
    text = """
netspec: 1
name: "no: #1"
input: {shape: [N, 3, H, 32], dtype: float64, H: {min: 32, max: 512, multiple_of: 32}}
layers:
  stem:
    - conv2d: {out_channels: 8, kernel_size: [3, 3], padding_mode: zeros, bias: no}
    - {name: "a b", device: "cuda:1", relu: }
  "null": relu
  body:
    repeat: 3
    device: cpu
    residual:
      body: {one: {thing: [1, 2.5e-7, true, null, "1"]}, two: relu}
      shortcut: [relu]
  tail:
    concat: {dim: -1, branches: [[], {x: relu}, [relu: {}]]}
  empty: []
"""
    spec = netspec.loads(text)
    assert netspec.loads(spec.to_yaml()) == spec
    assert netspec.loads(spec.to_yaml()).to_yaml() == spec.to_yaml()
    assert spec.to_yaml().startswith('netspec: 1\nname: "no: #1"\ninput: {shape: [N, 3, H, 32], ')


def test_the_tree_of_a_spec() -> None:
    spec = netspec.loads(f"{HEAD}layers:\n  - residual: [relu]\n  - concat: [[], [relu]]\n")
    residual, concat = (item.part for item in spec.layers.items)
    assert isinstance(residual, Residual)
    assert isinstance(concat, Concat)
    assert residual.shortcut == Layers()
    assert len(concat.branches) == 2


def test_a_word_of_later_versions_is_refused_by_name() -> None:
    found = netspec.check(f"{HEAD}layers:\n  - {{relu: , dtype: 1}}\n")
    assert [d.code for d in found] == ["not-yet"]
    assert "dtype" in found[0].message


def test_the_meaning_of_a_text_does_not_depend_on_which_layers_there_are() -> None:
    spec = netspec.loads(f"{HEAD}layers:\n  - nobody_knows_this: 3\n  - relu: {{x: 1}}\n")
    assert [item.part.type for item in spec.layers.items] == ["nobody_knows_this", "relu"]  # type: ignore[union-attr]
