"""Probed shapes are torch's for sizes that no probe has seen, or are refused with the reason."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import netspec
from netspec.sizes import evaluate
from netspec.testing.observation import Observed, observe

RIGHT = {
    "[N, 6, C]": ("mixer_block: {tokens: 6, dim: 5}", "[N, 6, 5]", ["[N, 6, 5]"]),
    "conv": (
        "conv_block: {in_channels: 3, out_channels: 4, stride: 2}",
        "[N, 3, H, W]",
        ["[N, 4, (H + 1)//4, (W + 1)//4]"],
    ),
    "tokens": ("patch_tokens", "[N, 3, H, W]", ["[N, (H//8)*(W//8) + 1, 8]"]),
    "window": ("window_pad", "[N, 3, H, W]", ["[N, 3, 7*((H + 6)//7), 7*((W + 6)//7)]"]),
    "merge": ("merge", "[N, T, 3, H]", ["[N*T, 3*H]"]),
    "attention": ("attention", "[N, T, 8]", ["[N, T, 8]"]),
    "recurrent": (
        "recurrent",
        "{shape: [N, T, 8], T: {max: 9}}",
        ["[N, T, 4]", "[1, N, 4]", "[1, N, 4]"],
    ),
}


def plan(
    registry: netspec.Registry, layer: str, input: str = "[N, T, 8]", *, prove: bool = False
) -> netspec.Plan:
    text = f"netspec: 1\ninput: {input}\nlayers: [{layer}]\n"
    return netspec.plan(netspec.loads(text), registry=registry, prove=prove)


def refused(registry: netspec.Registry, layer: str, input: str = "[N, T, 8]", **how: Any) -> Any:
    """The one finding."""
    with pytest.raises(netspec.SpecError) as raised:
        plan(registry, layer, input, **how)
    (found,) = (d for d in raised.value.diagnostics if d.severity == "error")
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_a_probed_layer_does_what_torch_does(name: str, registry: netspec.Registry) -> None:
    """Shapes, dtypes, parameters, buffers and FLOPs, at sizes that hypothesis draws."""
    layer, input, shapes = RIGHT[name]
    (row,) = plan(registry, layer, input).layers
    assert [str(output) for output in row.outputs] == shapes
    assert row.trust == "probed"
    names = sorted({name for size in "NTHWC" for name in size if name in input})

    @settings(deadline=None, max_examples=8)
    @given(st.lists(st.integers(8, 50), min_size=len(names), max_size=len(names)))
    def law(sizes: list[int]) -> None:
        values = dict(zip(names, sizes, strict=True))
        values["N"] %= 4  # 0 too
        values["T"] = values.get("T", 1) % 9 + 1
        inputs = tuple(
            type._replace(shape=tuple(evaluate(size, values) for size in type.shape))
            for type in row.inputs
        )
        real = observe(row.application.type, row.application.written, inputs, "meta")
        assert isinstance(real, Observed), real
        assert [output.shape for output in real.outputs] == [
            tuple(evaluate(size, values) for size in output.shape) for output in row.outputs
        ]
        assert real.parameters == {p.name: p.shape for p in row.parameters}
        assert real.buffers == {b.name: b.shape for b in row.buffers}
        assert real.flops == 2 * evaluate(row.macs, values)

    law()


def test_a_probed_layer_is_built_between_others(registry: netspec.Registry) -> None:
    text = "netspec: 1\ninput: [N, 3, 8, 8]\nlayers: [unshuffle, conv_block: {in_channels: 12, "
    text += "out_channels: 4}, flatten, linear: 2]\n"
    plan = netspec.plan(netspec.loads(text), registry=registry)
    assert [str(row.outputs[0]) for row in plan.layers][-1] == "[N, 2]"
    model = netspec.build(plan, device="cpu")
    assert model(torch.zeros(5, 3, 8, 8)).shape == (5, 2)


def test_a_second_input_is_probed_too(registry: netspec.Registry) -> None:
    text = "netspec: 1\ninputs: {x: [N, T, 8], memory: [N, S, 8]}\n"
    text += "layers: [{from: [x, memory], attention: }]\n"
    spec = netspec.loads(text)
    (row,) = netspec.plan(spec, registry=registry).layers
    assert (str(row.outputs[0]), str(row.macs)) == ("[N, T, 8]", "16*N*(S*T + 8*S + 8*T)")


def test_what_torch_needs_of_the_sizes_is_a_condition(registry: netspec.Registry) -> None:
    found = refused(registry, "unshuffle", "[N, 3, H, 4]")
    assert found.code == "shape-mismatch"
    assert "unshuffle needs H to be a multiple of 2" in found.message
    assert found.help == ("state it in `input`: `H: {multiple_of: 2}`",)
    stated = plan(registry, "unshuffle", "{shape: [N, 3, H, 4], H: {multiple_of: 2}}")
    assert str(stated.layers[0].outputs[0]) == "[N, 12, H/2, 2]"
    conditions = plan(registry, "patch_tokens", "[N, 3, H, 16]").conditions
    assert [str(condition) for condition in conditions] == ["H >= 8"]


@pytest.mark.parametrize(
    ("layer", "input", "code", "words"),
    [
        ("nonzero", "[N, 8]", "not-probed", "depends on the values of a tensor"),
        ("value_branch", "[N, 8]", "not-probed", "depends on the values of a tensor"),
        ("squeezed", "[N, T]", "not-probed", "another form: [32] with N = 1, T = 32, [2, 32]"),
        (
            "feature_norm",
            "[N, 8]",
            "not-probed",
            "with N = 1, torch says ValueError: Expected more",
        ),
        ("two_steps", "[N, T]", "not-probed", "fits no formula: it is 130 for T = 155, 130 for"),
        ("positions: {longest: 12}", "[N, T, 8]", "not-probed", "`T: {max: 12}`"),
        ("mixer_block: {tokens: 6, dim: 5}", "[N, 7, 5]", "shape-mismatch", "torch refuses [2, 7,"),
        ("raises", "[N, 8]", "shape-mismatch", "Wordless, whose text cannot be shown"),
        ("needs_module: 3", "[N, 8]", "unreadable-class", "`defaults={'make': 'package.module."),
        ("unhinted: 3", "[N, 8]", "unreadable-class", "no type hint: write `dim: int`"),
        ("anything", "[N, 8]", "unreadable-class", "names no argument"),
        ("missing", "[N, 8]", "unreadable-class", "cannot be imported: AttributeError"),
    ],
)
def test_what_cannot_be_probed_is_refused_with_the_reason(
    layer: str, input: str, code: str, words: str, registry: netspec.Registry
) -> None:
    found = refused(registry, layer, input)
    assert (found.code, found.location.line) == (code, 3)
    assert words in found.message
    plugin = "the plugin 'mine' of netspec-mine 1.0"
    assert plugin in " ".join([found.message, *(note.message for note in found.notes)])


def test_a_refusal_shows_the_beginning_of_a_rule(registry: netspec.Registry) -> None:
    found = refused(registry, "positions: {longest: 12}")
    assert found.help == (
        "state what it gives, beside it: `shape: [N, ...]`",
        "give it a shape rule, in the plugin:",
        '@layer("tests.probing.modules.Positions")',
        "def positions(x: TensorType, *, dim: int = 8, longest: int = 500) -> Output:",
        "    return Output((x.shape[0], ..., ...), parameters={...})",
    )


def test_a_stated_least_size_is_kept(registry: netspec.Registry) -> None:
    planned = plan(registry, "feature_norm", "{shape: [N, 8], N: {min: 2}}")
    assert str(planned.output_shape) == "(N, 8)"


@pytest.mark.parametrize(
    ("layer", "input"),
    [
        ("mixer_block: {tokens: 6, dim: 5}", "[N, 6, 5]"),
        ("conv_block: {in_channels: 3, out_channels: 4, stride: 2}", "[N, 3, H, W]"),
        ("window_pad", "[N, 3, H, W]"),
        ("positions", "{shape: [N, T, 8], T: {max: 500}}"),
        ("unshuffle", "{shape: [N, 3, H, 4], H: {multiple_of: 2}}"),
    ],
)
def test_a_proof(layer: str, input: str, registry: netspec.Registry) -> None:
    probed, proven = (plan(registry, layer, input, prove=prove) for prove in (False, True))
    assert proven.layers[0].trust == "proven"
    assert proven.output_shape == probed.output_shape


@pytest.mark.parametrize(
    ("layer", "input", "words"),
    [
        ("batches", "[N, 8]", "torch takes N as the number 2"),
        ("positions", "[N, T, 8]", "it holds only where T <= 500"),
        ("long_branch", "[N, T]", "it holds only where T <= 900"),
    ],
)
def test_what_was_assumed_is_no_proof(
    layer: str, input: str, words: str, registry: netspec.Registry
) -> None:
    assert plan(registry, layer, input).layers[0].trust == "probed"
    found = refused(registry, layer, input, prove=True)
    assert found.code == "not-proven"
    assert words in found.message


def test_a_stated_shape(registry: netspec.Registry) -> None:
    planned = plan(registry, '{nonzero: , shape: [N, 3, "$(in_features * 2)"]}')
    assert str(planned.layers[0].outputs[0]) == "[N, 3, 16]"
    assert planned.layers[0].trust == "stated"
    assert [warning.code for warning in planned.warnings] == ["layer-warning"]
    assert refused(registry, "{nonzero: , shape: [N, 3]}", prove=True).code == "not-probed"


def test_a_stated_shape_is_held_against_what_is_probed(registry: netspec.Registry) -> None:
    found = refused(registry, '{window_pad: , shape: [N, 3, "$(H + 1)", W]}', "[N, 3, H, W]")
    assert found.code == "shape-mismatch"
    assert found.message == (
        "`shape` states [N, 3, H + 1, W], but it gives "
        "[N, 3, 7*((H + 6)//7), 7*((W + 6)//7)] (for example H = 32: 33, but 35)"
    )
    line = '{window_pad: , shape: [N, 3, "$(7 * ((H + 6) // 7))", 14]}'
    assert plan(registry, line, "[N, 3, H, 14]").layers[0].trust == "probed"
