"""Each tool against what it says that it does, on real models."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from netspec_tools import devices, diff, lints, mermaid, plugin, programs
from netspec_tools.filling import depth_scaled_normal_
from torch import nn

import netspec


@pytest.fixture
def registry() -> netspec.Registry:
    """netspec's own layers, and this package's plugins."""
    made = netspec.Registry()
    made.register(plugin, name="tools", package="netspec-tools", version="0.1.0")
    made.register(lints, name="tools_lints", package="netspec-tools", version="0.1.0")
    return made


HEAD = "netspec: 1\ninput: [N, 8]\n"


def plan(text: str, registry: netspec.Registry) -> netspec.Plan:
    return netspec.plan(netspec.loads(HEAD + text), registry=registry)


# ---- blocks


def test_the_blocks_are_what_hand_written_code_has(registry: netspec.Registry) -> None:
    text = "layers:\n  - mlp_block: {hidden: 16, p: 0.5}\n  - norm_mlp: {hidden: 4, act: relu}\n"
    model = netspec.build(plan(text, registry), device="cpu", seed=0, registry=registry).eval()

    class Mlp(nn.Module):
        def __init__(self, hidden: int, act: nn.Module) -> None:
            super().__init__()
            self.up, self.act, self.down = nn.Linear(8, hidden), act, nn.Linear(hidden, 8)

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.down(self.act(self.up(input)))
            return result

    class NormMlp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.mlp = nn.LayerNorm(8), Mlp(4, nn.ReLU())

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = input + self.mlp(self.norm(input))
            return result

    torch.manual_seed(0)
    hand = nn.Sequential(Mlp(16, nn.GELU()), NormMlp())
    torch.testing.assert_close(dict(model.state_dict()), dict(hand.state_dict()))
    input = torch.rand(3, 8)
    torch.testing.assert_close(model(input), hand(input))
    assert isinstance(model.get_submodule("0.dropout"), nn.Dropout)


# ---- the initialiser


def test_depth_scaled_normal_has_its_deviation(registry: netspec.Registry) -> None:
    torch.manual_seed(0)
    drawn = depth_scaled_normal_(torch.empty(100_000), layers=8, std=0.4)
    assert drawn.std().item() == pytest.approx(0.1, rel=0.02)
    text = "layers: [{linear: 99, init: {weight: {depth_scaled_normal: {layers: 2, std: 0}}}}]\n"
    model = netspec.build(plan(text, registry), device="cpu", registry=registry)
    assert model.get_parameter("0.weight").abs().max() == 0


# ---- the lint


@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        ("[dropout, batch_norm1d]", ["0"]),
        ("[batch_norm1d, dropout]", []),
        ("[dropout, relu, batch_norm1d]", []),
        ("[dropout: 0, batch_norm1d]", []),
        ("{a: dropout, b: {layers: [dropout, batch_norm1d]}}", ["b.0"]),
        ("[residual: [{name: d, dropout: }, {name: n, batch_norm1d: }]]", ["d"]),
        ("[{name: d, dropout: }, {name: l, relu: }, {name: n, from: d, batch_norm1d: }]", ["d"]),
    ],
)
def test_dropout_before_a_batch_norm(
    layers: str, paths: list[str], registry: netspec.Registry
) -> None:
    found = plan(f"layers: {layers}\n", registry).warnings
    notes = [
        one.notes[0].message.split("`")[1]
        for one in found
        if one.code == "tools_lints.dropout-before-norm"
    ]
    assert notes == paths


# ---- exporters


def test_a_diagram_has_each_layer_and_an_arrow_for_each_value(registry: netspec.Registry) -> None:
    text = "layers:\n  - residual: [{name: a, linear: 8}, relu]\n  - {name: 'b-\"', linear: 2}\n"
    shown = mermaid.diagram(plan(text, registry))
    assert shown == (
        "flowchart TD\n"
        '  n0(["input [N, 8]"])\n'
        '  n1["a: linear"]\n'
        '  n2["0: relu"]\n'
        '  n3(["residual"])\n'
        '  n4["b-#34;: linear"]\n'
        '  n5(["output"])\n'
        '  n0 -- "[N, 8]" --> n1\n'
        '  n1 -- "[N, 8]" --> n2\n'
        '  n2 -- "[N, 8]" --> n3\n'
        '  n0 -- "[N, 8]" --> n3\n'
        '  n3 -- "[N, 8]" --> n4\n'
        '  n4 -- "[N, 2]" --> n5\n'
    )


def test_every_arrow_of_a_diagram_joins_two_boxes(registry: netspec.Registry) -> None:
    spec = Path(__file__).parents[3] / "specs" / "digits_cnn.yaml"
    planned = netspec.plan(spec, registry=registry)
    shown = mermaid.diagram(planned)
    boxes = re.findall(r"^ *(n\d+)[\[(]", shown, re.M)
    arrows = re.findall(r"^ *(n\d+) -- .* --> (n\d+)$", shown, re.M)
    assert len(boxes) == len(set(boxes)) == len(planned.layers) + 2
    assert {end for arrow in arrows for end in arrow} == set(boxes)


def test_a_program_computes_what_the_model_does(registry: netspec.Registry, tmp_path: Path) -> None:
    text = "layers: [norm_mlp: {hidden: 16, p: 0.5}, linear: 2]\n"
    planned = plan(text, registry)
    model = netspec.build(planned, device="cpu", seed=0, registry=registry)
    programs.write(model, planned, tmp_path / "model.pt2")
    program = torch.export.load(tmp_path / "model.pt2").module()
    for batch in (1, 5):
        input = torch.rand(batch, 8)
        torch.testing.assert_close(program(input), model(input))


FULL = """
import resource
from netspec.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
raise SystemExit(main(["export", "big.yaml", "-o", "m.pt2", "--force"]))
"""


def test_a_full_disk_ends_in_an_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    """torch's writer in C++ would abort the process."""
    pytest.importorskip("resource")
    (tmp_path / "big.yaml").write_text("netspec: 1\ninput: [N, 100]\nlayers: [linear: 100]\n")
    (tmp_path / "m.pt2").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-B", "-c", FULL], cwd=tmp_path, capture_output=True, text=True
    )  # -B: no byte code that is cut off
    assert (done.returncode, done.stdout) == (2, "")
    assert "netspec: error: cannot write m.pt2: File too large: the file system" in done.stderr
    assert (tmp_path / "m.pt2").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


# ---- the command


def test_the_rows_that_are_different(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(HEAD + "layers: [linear: 4, relu, linear: 2]\n")
    last = "linear: {bias: false, out_features: 2}"
    Path("b.yaml").write_text(HEAD + f"layers: [linear: 5, relu, {last}]\n")
    given = argparse.Namespace(old="a.yaml", new="b.yaml", variant=None)
    assert diff.run(given) == 1
    assert capsys.readouterr().out.splitlines() == [
        "- 0: linear(in_features=8, out_features=4) -> [N, 4]",
        "- 1: relu() -> [N, 4]",
        "- 2: linear(in_features=4, out_features=2) -> [N, 2]",
        "+ 0: linear(in_features=8, out_features=5) -> [N, 5]",
        "+ 1: relu() -> [N, 5]",
        "+ 2: linear(in_features=5, out_features=2, bias=False) -> [N, 2]",
        "  parameters: 46 -> 55 (+9)",
    ]
    assert diff.run(argparse.Namespace(old="a.yaml", new="a.yaml", variant=None)) == 0
    assert capsys.readouterr().out == ""


# ---- devices, weights, strategies


def test_the_emptiest_device(registry: netspec.Registry) -> None:
    name = devices.emptiest()
    if torch.cuda.is_available():
        free = [torch.cuda.mem_get_info(i)[0] for i in range(torch.cuda.device_count())]
        assert name.startswith("cuda:")
        assert int(name[5:]) < len(free)
    else:
        assert name == "cpu"
    planned = plan("layers: [linear: 2]", registry)
    model = netspec.build(planned, device="emptiest", registry=registry)
    assert str(model.get_parameter("0.weight").device) == name


@pytest.mark.parametrize("asked", ["1", ""])
def test_channels_last(asked: str, registry: netspec.Registry, monkeypatch: Any) -> None:
    monkeypatch.setenv("NETSPEC_CHANNELS_LAST", asked)
    layers = "[conv2d: {out_channels: 4, kernel_size: 3}, batch_norm2d]"
    text = f"netspec: 1\ninput: [N, 3, 8, 8]\nlayers: {layers}\n"
    planned = netspec.plan(netspec.loads(text), registry=registry)
    model = netspec.build(planned, device="cpu", seed=0, registry=registry)
    other = netspec.build(planned, device="cpu", seed=0, registry=netspec.Registry())
    is_last = model.get_parameter("0.weight").is_contiguous(memory_format=torch.channels_last)
    assert is_last == (asked == "1")
    input = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(model(input), other(input))


@pytest.mark.parametrize("features", [4, 20_000], ids=["small", "large"])
def test_weights_that_are_not_finite_are_named(features: int, registry: netspec.Registry) -> None:
    init = "{bias: {constant: {val: .inf}}}"
    text = f"layers: [{{linear: {features}, init: {init}}}, linear: 2]\n"
    planned = plan(text, registry)
    with pytest.warns(UserWarning, match=r"^these weights are not finite: 0\.bias$"):
        netspec.build(planned, device="cpu", registry=registry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        netspec.build(planned, device="cpu", init=False, registry=registry)
        netspec.build(plan("layers: [linear: 2]", registry), device="cpu", registry=registry)


@pytest.mark.parametrize("number", [0, 499, 999])
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_one_value_among_many_small_weights_is_found(number: int, value: float) -> None:
    from netspec_tools.weights import COPIED, warn_of_not_finite

    values = [torch.zeros(COPIED // 100) for _ in range(1000)]
    values[number][-1] = value
    model = torch.nn.ParameterList(values)
    with pytest.warns(UserWarning, match=f"^these weights are not finite: {number}$"):
        warn_of_not_finite(model)


def test_frozen_layers_get_no_gradients(registry: netspec.Registry) -> None:
    model = netspec.distribute(
        netspec.loads(HEAD + "layers: {a: {linear: 4}, b: {linear: 2}}\n"),
        {"placement": 1, "frozen": ["a"]},
        device="cpu",
        registry=registry,
    ).model
    model(torch.rand(3, 8)).sum().backward()
    assert {name for name, value in model.named_parameters() if value.grad is not None} == {
        "b.weight",
        "b.bias",
    }
