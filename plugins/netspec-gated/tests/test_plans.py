"""What is planned, without torch, is what torch computes."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_gated import modules, plugin
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.plugin import LayerType
from netspec.sizes import evaluate
from netspec.testing.observation import SavedStorages

SIZES = st.integers(1, 9)


def registry() -> netspec.Registry:
    """Built-in layers and this plugin, whatever is installed."""
    made = netspec.Registry()
    made.register(plugin)
    return made


def spec(shape: list[int | str], layer: str, arguments: object) -> netspec.Spec:
    return netspec.from_dict({"netspec": 1, "input": shape, "layers": [{layer: arguments}]})


@st.composite
def written_layers(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A layer as it may be written: required arguments, and any of the others."""
    name = draw(st.sampled_from(["swiglu", "geglu"]))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "out_features": st.none() | SIZES,
        "bias": st.booleans(),
    }
    if name == "geglu":
        optional["approximate"] = st.sampled_from(["none", "tanh"])
    arguments = draw(st.fixed_dictionaries({"hidden_features": SIZES}, optional=optional))
    return name, arguments


@settings(deadline=None)
@given(layer=written_layers(), shape=st.lists(SIZES, min_size=1, max_size=4))
def test_the_plan_is_what_torch_computes(
    layer: tuple[str, dict[str, object]], shape: list[int]
) -> None:
    name, arguments = layer
    planned = netspec.plan(spec([*shape], name, arguments), registry=registry())
    model = netspec.build(planned, device="meta")

    module = model.get_submodule("0")
    assert type(module) is {"swiglu": modules.SwiGLU, "geglu": modules.GeGLU}[name]
    (row,) = planned.layers
    assert [(p.name, p.shape) for p in row.parameters] == [
        (name, tuple(parameter.shape)) for name, parameter in module.named_parameters()
    ]
    with FlopCounterMode(display=False) as counter:
        output = model(torch.empty(shape, device="meta"))
    assert planned.output_shape == tuple(output.shape)
    assert 2 * planned.total_macs == counter.get_total_flops()
    model = netspec.build(planned, device="cpu")
    with SavedStorages(model) as saved:
        model(torch.empty(shape))
    assert planned.saved_for_backward().total == saved.nbytes


@settings(deadline=None)
@given(layer=written_layers(), batch=st.integers(0, 5), length=SIZES, features=SIZES)
def test_symbolic_sizes_give_the_same_as_whole_ones(
    layer: tuple[str, dict[str, object]], batch: int, length: int, features: int
) -> None:
    symbolic = netspec.plan(spec(["N", "T", features], *layer), registry=registry())
    whole = netspec.plan(spec([batch, length, features], *layer), registry=registry())
    sizes = {"N": batch, "T": length}
    assert tuple(evaluate(s, sizes) for s in symbolic.output_shape) == whole.output_shape
    assert evaluate(symbolic.total_macs, sizes) == whole.total_macs
    assert symbolic.total_params == whole.total_params


@pytest.mark.parametrize("name", ["swiglu", "geglu"])
def test_a_bare_number_is_the_hidden_size(name: str) -> None:
    (row,) = netspec.plan(spec(["N", 8], name, 16), registry=registry()).layers
    assert row.arguments["hidden_features"] == 16
    assert row.arguments["in_features"] == 8
    assert row.arguments["out_features"] is None
    assert [str(size) for size in row.output_shape] == ["N", "8"]


@pytest.mark.parametrize(
    ("shape", "arguments", "code", "words"),
    [
        (["N", 8], {}, "missing-argument", "hidden_features"),
        (["N", 8], 0, "bad-argument", "hidden_features of geglu takes"),
        (["N", 8], {"hidden_features": 4, "in_features": 9}, "shape-mismatch", "in_features is 9"),
        (["N", 8], {"hidden_features": 4, "approximate": "erf"}, "bad-argument", "none or tanh"),
        (["N", "C"], 4, "shape-mismatch", "C may be any number"),
        ([], 4, "shape-mismatch", "no last size"),
    ],
)
def test_mistakes_are_told_with_the_sizes(
    shape: list[int | str], arguments: object, code: str, words: str
) -> None:
    (found,) = netspec.check(spec(shape, "geglu", arguments), registry=registry())
    assert found.code == code
    assert words in found.message


def test_the_readme_shows_a_spec_that_is_right() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    text = readme.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    planned = netspec.plan(netspec.loads(text), registry=registry())
    assert [layer.type for layer in planned.layers] == ["layer_norm", "swiglu", "geglu"]


@pytest.mark.parametrize("name", ["swiglu", "geglu"])
def test_whole_numbers_are_refused_as_torch_refuses_them(name: str) -> None:
    tokens = {"shape": ["N", 8], "dtype": "int64"}
    given = netspec.from_dict({"netspec": 1, "input": tokens, "layers": [{name: 4}]})
    (found,) = netspec.check(given, registry=registry())
    assert "int64" in found.message


@pytest.mark.parametrize(
    ("declared", "made"), [(plugin.swiglu, modules.SwiGLU), (plugin.geglu, modules.GeGLU)]
)
def test_the_declared_arguments_are_those_of_the_class(declared: LayerType, made: type) -> None:
    signature = inspect.signature(made)
    assert list(declared.arguments) == list(signature.parameters)
    assert declared.defaults == {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }


def test_the_declarations_do_not_import_torch() -> None:
    code = f"import sys; sys.path[:] = {sys.path!r}; import netspec_gated.plugin"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
