"""What specs with the layers look like, and what is said of mistakes in them."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from netspec_transformer import plugin
from netspec_transformer.plugin import LAYERS

import netspec
from netspec.spec import Value

BY_NAME = {layer.name: layer for layer in LAYERS}
every_layer = pytest.mark.parametrize("name", BY_NAME)

REGISTRY = netspec.Registry()
REGISTRY.register(plugin)


@every_layer
def test_all_sizes_but_the_last_may_be_symbols(name: str) -> None:
    written: dict[str, Value] = {"hidden_features": 8}
    if name == "moe_feed_forward":
        written["num_experts"] = 4
    if name == "rotary_embedding":
        written = {}
    if name == "grouped_query_attention":
        written = {"num_heads": 2, "num_kv_heads": 1, "is_causal": True, "window_size": 2}
        written["rope_theta"] = 10_000
    (row,) = netspec.plan(spec(["N", "T", 8], name, written), registry=REGISTRY).layers
    assert [str(size) for size in row.output_shape] == ["N", "T", "8"]


def spec(shape: list[int | str], layer: str, arguments: object) -> netspec.Spec:
    return netspec.from_dict({"netspec": 1, "input": shape, "layers": [{layer: arguments}]})


def test_a_bare_value_is_the_argument_that_is_mostly_written() -> None:
    assert {layer.name: layer.obvious_argument for layer in LAYERS} == {
        "swiglu": "hidden_features",
        "geglu": "hidden_features",
        "moe_feed_forward": None,
        "rotary_embedding": "rope_theta",
        "grouped_query_attention": "num_heads",
    }


MISTAKES: list[tuple[str, list[int | str], object, str, str]] = [
    ("geglu", ["N", 8], {}, "missing-argument", "hidden_features"),
    ("geglu", ["N", 8], 0, "bad-argument", "hidden_features of geglu takes"),
    (
        "geglu",
        ["N", 8],
        {"hidden_features": 4, "in_features": 9},
        "shape-mismatch",
        "in_features is 9",
    ),
    (
        "geglu",
        ["N", 8],
        {"hidden_features": 4, "approximate": "erf"},
        "bad-argument",
        "none or tanh",
    ),
    ("geglu", ["N", "C"], 4, "shape-mismatch", "C may be any number"),
    ("geglu", [], 4, "shape-mismatch", "no last size"),
    (
        "grouped_query_attention",
        ["N", 64],
        8,
        "shape-mismatch",
        "takes [N, L, embed_dim], but its input is [N, 64]",
    ),
    (
        "grouped_query_attention",
        ["N", "T", 64],
        {"num_heads": 8, "num_kv_heads": 3},
        "shape-mismatch",
        "8 heads cannot share 3 heads of keys and values equally: "
        "num_heads must be a multiple of num_kv_heads",
    ),
    (
        "grouped_query_attention",
        ["N", "T", 64],
        7,
        "shape-mismatch",
        "the input's last size 64 is no multiple of num_heads 7",
    ),
    (
        "grouped_query_attention",
        ["N", "T", 6],
        {"num_heads": 2, "rope_theta": 10_000},
        "shape-mismatch",
        "the size of a head 3 is odd: a rotary embedding turns pairs of values",
    ),
    (
        "grouped_query_attention",
        ["N", "T", 64],
        {"num_heads": 8, "window_size": 128},
        "shape-mismatch",
        "window_size 128 is of the places before, but is_causal is false",
    ),
    (
        "grouped_query_attention",
        ["N", "T", 64],
        {"num_heads": 8, "rope_theta": 0},
        "bad-argument",
        "takes a number >= 1",
    ),
    (
        "rotary_embedding",
        ["N", "T", 7],
        {},
        "shape-mismatch",
        "the input's last size 7 is odd: a rotary embedding turns pairs of values",
    ),
    (
        "rotary_embedding",
        [8],
        {},
        "shape-mismatch",
        "takes [..., L, head_dim], but its input is [8]",
    ),
    (
        "moe_feed_forward",
        ["N", "T", 8],
        {"hidden_features": 16, "num_experts": 4, "top_k": 5},
        "shape-mismatch",
        "top_k is 5, but there are only 4 experts to choose from",
    ),
    (
        "moe_feed_forward",
        ["N", "T", 8],
        {"hidden_features": 16, "num_experts": 2**31},
        "shape-mismatch",
        "num_experts is 2147483648, but netspec plans at most 1000 experts",
    ),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "code", "words"), MISTAKES)
def test_mistakes_are_told_with_the_sizes(
    name: str, shape: list[int | str], arguments: object, code: str, words: str
) -> None:
    (found,) = netspec.check(spec(shape, name, arguments), registry=REGISTRY)
    assert found.code == code
    assert words in found.message


@pytest.mark.parametrize(
    ("name", "arguments", "last", "help"),
    [
        (
            "grouped_query_attention",
            {"num_heads": 8, "num_kv_heads": 3},
            64,
            "write for example `num_kv_heads: 2`",
        ),
        (
            "grouped_query_attention",
            {"num_heads": 7},
            64,
            "write for example `num_heads: 4`, or a `head_dim`",
        ),
        (
            "grouped_query_attention",
            {"num_heads": 2, "rope_theta": 100},
            6,
            "write for example `head_dim: 4`, or no `rope_theta`",
        ),
        (
            "grouped_query_attention",
            {"num_heads": 2, "window_size": 4},
            6,
            "write `is_causal: true` too",
        ),
        (
            "moe_feed_forward",
            {"hidden_features": 6, "num_experts": 4, "top_k": 5},
            8,
            "write `top_k: 4` or less",
        ),
    ],
)
def test_what_is_proposed_is_right(
    name: str, arguments: Mapping[str, Value], last: int, help: str
) -> None:
    (found,) = netspec.check(spec(["N", "T", last], name, arguments), registry=REGISTRY)
    assert help in str(found)
    written = help.split("`")[1].split(": ")
    value = True if written[1] == "true" else int(written[1])
    corrected = {**arguments, written[0]: value}
    assert netspec.check(spec(["N", "T", last], name, corrected), registry=REGISTRY) == []


@every_layer
def test_whole_numbers_are_refused(name: str) -> None:
    arguments: dict[str, Value] = dict.fromkeys(BY_NAME[name].required, 4)
    tokens = {"shape": ["N", "T", 8], "dtype": "int64"}
    given = netspec.from_dict({"netspec": 1, "input": tokens, "layers": [{name: arguments}]})
    (found,) = netspec.check(given, registry=REGISTRY)
    assert "int64" in found.message


def test_layers_are_called_after_their_classes() -> None:
    for layer in LAYERS:
        assert layer.name.replace("_", "") == layer.alias.lower()


def test_the_readme_shows_a_spec_that_is_right() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    given = netspec.loads(text.split("```yaml\n")[1].split("```")[0])
    assert netspec.check(given, registry=REGISTRY) == []
    planned = netspec.plan(given, registry=REGISTRY)
    assert [str(size) for size in planned.output_shape] == ["N", "T", "1000"]
    assert all(f"| `{layer.name}` |" in text for layer in LAYERS)
