"""What is planned, without torch, is what torch computes; or both refuse."""

import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_transformer import plugin
from netspec_transformer.layers.mixture import MOST_EXPERTS
from netspec_transformer.plugin import LAYERS

import netspec
from netspec.diagnostics import SpecError
from netspec.plugin import TensorType
from netspec.spec import Value
from netspec.testing import (
    Case,
    agrees_with_torch,
    cases,
    dtypes,
    opened,
    saves_what_torch_saves,
    substitutes,
)
from netspec.testing.laws import is_cheap

BY_NAME = {layer.name: layer for layer in LAYERS}
every_layer = pytest.mark.parametrize("name", BY_NAME)

REGISTRY = netspec.Registry()
REGISTRY.register(plugin)

Draw = st.DrawFn
SMALL = st.integers(1, 4)
BATCH = st.sampled_from([2, 1, 3, 0])
#: The kit does not ask the cpu about larger numbers.
THETAS: st.SearchStrategy[Value] = st.sampled_from([100.0, 1_000, 1])


def leading(draw: Draw) -> tuple[int, ...]:
    """Up to three sizes before the last one, seldom 0."""
    sizes = draw(st.lists(SMALL, max_size=3))
    if sizes:
        sizes[0] = draw(BATCH)
    return tuple(sizes)


def gated(draw: Draw, name: str) -> tuple[dict[str | None, Value], TensorType]:
    optional: dict[str | None, st.SearchStrategy[Value]] = {
        "out_features": st.none() | SMALL,
        "bias": st.booleans(),
    }
    if name == "geglu":
        optional["approximate"] = st.sampled_from(["none", "tanh"])
    required: dict[str | None, st.SearchStrategy[Value]] = {"hidden_features": SMALL}
    written = draw(st.fixed_dictionaries(required, optional=optional))
    return written, TensorType((*leading(draw), draw(SMALL)), draw(dtypes()))


def mixture(draw: Draw, name: str) -> tuple[dict[str | None, Value], TensorType]:
    experts = draw(SMALL)
    written: dict[str | None, Value] = {"hidden_features": draw(SMALL), "num_experts": experts}
    if draw(st.integers(0, 3)):
        written["top_k"] = draw(st.sampled_from([*range(1, experts + 1)] * 3 + [experts + 1]))
    return written, TensorType((*leading(draw), draw(SMALL)), draw(dtypes()))


def rotary(draw: Draw, name: str) -> tuple[dict[str | None, Value], TensorType]:
    optional: dict[str | None, st.SearchStrategy[Value]] = {"rope_theta": THETAS}
    written = draw(st.fixed_dictionaries({}, optional=optional))
    size = 2 * draw(SMALL) + draw(st.sampled_from([0] * 9 + [1]))
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "bfloat16", "int64"]))
    return written, TensorType((*leading(draw), draw(SMALL), size), dtype)


def attention(draw: Draw, name: str) -> tuple[dict[str | None, Value], TensorType]:
    kv_heads = draw(st.sampled_from([1, 2, 3]))
    heads = kv_heads * draw(st.sampled_from([1, 2, 3])) + draw(st.sampled_from([0] * 9 + [1]))
    size = draw(st.sampled_from([2, 4, 6, 2, 4, 6, 1]))
    embed_dim = heads * size + draw(st.sampled_from([0] * 9 + [1]))
    required: dict[str | None, st.SearchStrategy[Value]] = {
        "num_heads": st.just(heads),
        "is_causal": st.sampled_from([True, True, True, False]),
    }
    optional: dict[str | None, st.SearchStrategy[Value]] = {
        "num_kv_heads": st.sampled_from([kv_heads] * 4 + [None]),
        "head_dim": st.sampled_from([None, 2, 4, 8, 3]),
        "bias": st.booleans(),
        "dropout": st.sampled_from([0.0, 0.1, 1]),
        "window_size": st.sampled_from([None, 1, 2, 3]),
        "rope_theta": THETAS | st.none(),
    }
    written = draw(st.fixed_dictionaries(required, optional=optional))
    shape = (draw(BATCH), draw(st.sampled_from([3, 1, 2, 5, 0])), embed_dim)
    return written, TensorType(shape, draw(dtypes()))


DRAWN = {
    "swiglu": gated,
    "geglu": gated,
    "moe_feed_forward": mixture,
    "rotary_embedding": rotary,
    "grouped_query_attention": attention,
}


@st.composite
def fitting(draw: Draw, name: str) -> Case:
    """A case that mostly fits, with a few that do not; or any that the declaration allows."""
    if not draw(st.integers(0, 4)):
        return draw(cases(BY_NAME[name], REGISTRY))
    written, input = DRAWN[name](draw, name)
    return Case(BY_NAME[name], written, (input,))


def torch_is_lenient(case: Case, refused: SpecError) -> str | None:
    """Why torch takes what netspec refuses."""
    message = " ".join(found.message for found in refused.diagnostics)
    experts = case.arguments.get("num_experts")
    if isinstance(experts, int) and experts > MOST_EXPERTS:
        return "torch makes as many experts as fit into memory"
    if 0 in case.input.shape and "holds" in message:
        return "torch does not look at the dtype where nothing is computed"
    if not is_cheap(case) and "holds" in message:
        return "meta does not look at the dtype, and the cpu is not asked about huge sizes"
    if "takes" in message and "whole number" in message:
        return "an nn.Linear may have no features"
    if case.layer.name == "rotary_embedding" and "floating-point" in message:
        return "torch turns whole numbers, and gives whole numbers"
    return None


@every_layer
def test_the_plan_is_what_torch_computes(name: str) -> None:
    """Shape, dtype, parameters and, on meta, FLOPs; or both refuse."""
    drawn = Counter[bool]()

    @settings(deadline=None, max_examples=60 * (1 + len(BY_NAME[name].arguments) // 3))
    @given(fitting(name))
    def law(case: Case) -> None:
        drawn[agrees_with_torch(case, REGISTRY, torch_is_lenient) is not None] += 1

    law()
    assert drawn[True] >= drawn.total() / 3, f"only {drawn[True]} of {drawn.total()} fit"


@every_layer
def test_the_plan_says_what_training_saves(name: str) -> None:
    drawn = Counter[bool]()

    @settings(deadline=None, max_examples=100)
    @given(fitting(name))
    def law(case: Case) -> None:
        drawn[saves_what_torch_saves(case, REGISTRY)] += 1

    law()
    assert drawn[True] >= drawn.total() / 4, f"only {drawn[True]} of {drawn.total()} trained"


@every_layer
def test_numbers_put_into_a_symbolic_plan_give_the_concrete_one(name: str) -> None:
    drawn = Counter[bool]()

    @settings(deadline=None, max_examples=100)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        case = data.draw(fitting(name))
        drawn[substitutes(data.draw(opened(case)), REGISTRY)] += 1

    law()
    assert drawn[True], "none fit"


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


@every_layer
def test_the_declared_arguments_are_those_of_the_class(name: str) -> None:
    layer = BY_NAME[name]
    module, _, made = layer.target.rpartition(".")
    signature = inspect.signature(getattr(import_module(module), made))
    assert list(layer.arguments) == list(signature.parameters)
    assert layer.defaults == {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    assert name.replace("_", "") == made.lower()


def test_the_readme_shows_a_spec_that_is_right() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    given = netspec.loads(text.split("```yaml\n")[1].split("```")[0])
    assert netspec.check(given, registry=REGISTRY) == []
    planned = netspec.plan(given, registry=REGISTRY)
    assert [str(size) for size in planned.output_shape] == ["N", "T", "1000"]
    assert all(f"| `{layer.name}` |" in text for layer in LAYERS)


def test_the_declarations_do_not_import_torch() -> None:
    code = f"import sys; sys.path[:] = {sys.path!r}; import netspec_transformer.plugin"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
