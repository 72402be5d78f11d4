"""The builder: the same specs and the same errors as YAML, at the line of the call."""

import pickle
from pathlib import Path

import pytest
import torch

import netspec


def line_of(text: str) -> int:
    """The line of this file that holds a text, once."""
    (line,) = [
        number
        for number, content in enumerate(Path(__file__).read_text().splitlines(), 1)
        if text in content and "line_of" not in content
    ]
    return line


def test_the_promised_chain() -> None:
    net = netspec.Builder("N", 1, 28, 28).flatten().linear(512).relu().linear(10)
    text = "netspec: 1\ninput: [N, 1, 28, 28]\nlayers: [flatten, linear: 512, relu, linear: 10]\n"
    assert net.spec() == netspec.loads(text)
    assert net.plan().total_params == netspec.plan(netspec.loads(text)).total_params
    assert net.output_shape[1] == 10
    model = net.build(device="cpu", seed=0)
    assert torch.equal(
        model.state_dict()["1.weight"],
        netspec.build(netspec.loads(text), device="cpu", seed=0).state_dict()["1.weight"],
    )


def test_everything_that_yaml_can_say() -> None:
    net = (
        netspec.Builder("N", 3, "H", "W", sizes={"H": {"min": 32}}, name="Net")
        .conv2d(8, 3, padding=1, name="stem", device="cpu")
        .residual(lambda net: net.batch_norm2d().relu(), lambda net: net.conv2d(8, 1))
        .concat(lambda net: net, lambda net: net.conv2d(4, [1, 1]), dim=1)
        .layers(lambda net: net.conv2d(12, 3, padding=1).relu(), name="body", repeat=2)
        .adaptive_avg_pool2d(1)
        .flatten()
        .layer("linear", out_features=10)
    )
    text = """
netspec: 1
name: Net
input: {shape: [N, 3, H, W], H: {min: 32}}
layers:
  - {name: stem, device: cpu, conv2d: {out_channels: 8, kernel_size: 3, padding: 1}}
  - residual: {body: [batch_norm2d, relu], shortcut: [conv2d: {out_channels: 8, kernel_size: 1}]}
  - concat: [[], [conv2d: {out_channels: 4, kernel_size: [1, 1]}]]
  - name: body
    repeat: 2
    layers: [conv2d: {out_channels: 12, kernel_size: 3, padding: 1}, relu]
  - adaptive_avg_pool2d: 1
  - flatten
  - linear: {out_features: 10}
"""
    assert net.spec() == netspec.loads(text)
    assert netspec.loads(net.spec().to_yaml()) == net.spec()


def test_a_builder_is_a_value() -> None:
    stem = netspec.Builder("N", 8).linear(4)
    assert len(stem.relu().spec().layers.items) == 2
    assert len(stem.linear(3).linear(2).spec().layers.items) == 3
    assert len(stem.spec().layers.items) == 1


def test_a_wrong_argument_fails_at_its_line() -> None:
    with pytest.raises(netspec.SpecError) as raised:
        (
            netspec.Builder("N", 8)
            .relu()
            .linear(512, bia=True)  # type: ignore[call-arg]  # wrong argument
            .relu()
        )
    (found,) = raised.value.diagnostics
    assert found.location.file == __file__
    assert found.location.line == line_of("# wrong argument")
    assert found.location.source_line is not None
    start, end = found.location.column, found.location.end_column
    assert start is not None
    assert end is not None
    assert found.location.source_line[start - 1 : end - 1] == "linear(512, bia=True)"
    assert found.help == ("did you mean bias?",)
    yaml = netspec.check(
        "netspec: 1\ninput: [N, 8]\nlayers:\n - linear: {out_features: 512, bia: 1}\n"
    )
    assert (found.code, found.message) == (yaml[0].code, yaml[0].message)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda net: net.linear("ten"), "bad-argument"),
        (lambda net: net.linear(), "missing-argument"),
        (lambda net: net.conv2d(4, 3), "shape-mismatch"),
        (lambda net: net.linear(4, 5), "bad-call"),
        (lambda net: net.linear(4, out_features=4), "bad-call"),
        (lambda net: net.linear(torch), "bad-value"),
        (lambda net: net.layer("lineer"), "unknown-layer"),
        (lambda net: net.relu(name="a.b"), "bad-name"),
        (lambda net: net.relu(name="forward"), "taken-name"),
        (lambda net: net.relu(name="x").relu(name="x"), "name-twice"),
        (lambda net: net.relu(repeat=0), "bad-value"),
        (lambda net: net.relu(repeat=10**9), "too-many-layers"),
        (lambda net: net.relu(device=3), "bad-device"),
        (lambda net: net.residual(lambda net: net.linear(3)), "shape-mismatch"),
        (lambda net: net.concat(), "bad-concat"),
        (lambda net: net.concat(lambda net: net, dim="x"), "bad-concat"),
        (lambda net: net.residual(lambda net: net), "empty-residual"),
        (lambda net: netspec.Builder("n", 3), "bad-input"),
        (lambda net: netspec.Builder("N", dtype="float31"), "bad-input"),
    ],
)
def test_every_mistake_is_a_diagnostic_at_the_call(call: object, code: str) -> None:
    assert callable(call)
    with pytest.raises(netspec.SpecError) as raised:
        call(netspec.Builder("N", 8))
    assert raised.value.diagnostics[0].code == code
    assert raised.value.diagnostics[0].location.file == __file__


def test_an_unknown_method_is_an_attribute_error_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean linear"):
        netspec.Builder("N", 8).lineer(4)  # type: ignore[attr-defined]
    assert not hasattr(netspec.Builder("N", 8), "_private")


def test_a_branch_must_come_from_its_builder() -> None:
    net = netspec.Builder("N", 8)
    with pytest.raises(TypeError, match="must give the builder that it was given"):
        net.residual(lambda _: net.linear(8))


def test_methods_have_docstrings_and_are_listed() -> None:
    net = netspec.Builder("N", 8)
    assert "in_features" in (net.linear.__doc__ or "")
    assert {"linear", "conv2d", "residual", "spec"} <= set(dir(net))


def test_errors_can_be_pickled() -> None:
    with pytest.raises(netspec.SpecError) as raised:
        netspec.Builder("N", 8).linear("a")  # type: ignore[arg-type]
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_a_thousand_calls_are_fast_enough_to_be_linear() -> None:
    net = netspec.Builder("N", 8)
    for _ in range(1000):
        net = net.linear(8)
    assert len(net.plan().layers) == 1000
