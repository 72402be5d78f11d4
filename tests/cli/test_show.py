"""``netspec show``: the table at any width, and the plan as JSON."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
OnTerminal = Callable[..., tuple[int, str]]

SPECS = Path(__file__).parents[2] / "specs"
RESNET = """\
netspec: 1
name: SmallResNet
input: {shape: [N, 3, H, W], H: {min: 32}, W: {min: 32}}
layers:
  stem:
    - conv2d: {out_channels: 64, kernel_size: 7, stride: 2, padding: 3, bias: false}
    - batch_norm2d
    - max_pool2d: {kernel_size: 3, stride: 2, padding: 1}
  layer1:
    repeat: 2
    layers:
      - residual:
          - conv2d: {out_channels: 64, kernel_size: 3, padding: 1, bias: false}
          - batch_norm2d
          - relu
      - relu
  layer2:
    - residual:
        body:
          - conv2d: {out_channels: 128, kernel_size: 3, stride: 2, padding: 1, bias: false}
          - batch_norm2d
        shortcut: [conv2d: {out_channels: 128, kernel_size: 1, stride: 2, bias: false}]
  head: [adaptive_avg_pool2d: 1, flatten, {linear: 1000, device: cpu}]
"""


def test_the_table(run: Run) -> None:
    done = run("show", str(SPECS / "digits_cnn.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "DigitsCNN: input [N, 1, 8, 8] -> [N, 10]"
    assert lines[2].split() == ["layer", "output", "params", "mult-adds"]
    assert lines[4] == (
        "  0: conv2d(32, 3, padding=1, bias=false)  [N, 32, 8, 8]     288   18,432*N"
    )
    wide = run("show", str(SPECS / "digits_cnn.yaml"), env=os.environ | {"COLUMNS": "82"}).stdout
    assert (
        "\n  0         conv2d(32, 3, padding=1, bias=false)  [N, 32, 8, 8]     288   18,432*N\n"
    ) in wide
    assert done.stdout.splitlines()[-3:] == [
        "30,762 parameters (120.2 KiB as float32)",
        "905,728*N multiply-adds",
        "50.2 KiB*N + 1.0 KiB saved for backward",
    ]


@pytest.mark.parametrize("name", ["digits_cnn.yaml", "fashion_mnist_mlp.yaml", "resnet.yaml"])
def test_the_table_fits_the_terminal(name: str, on_terminal: OnTerminal) -> None:
    Path("resnet.yaml").write_text(RESNET)
    spec = name if name == "resnet.yaml" else str(SPECS / name)
    for columns in (60, 80, 100, 160):
        code, shown = on_terminal("show", spec, columns=columns)
        assert code == 0
        assert max(map(len, shown.splitlines())) <= columns
        assert "\x1b" not in shown


def test_what_matters_stays_readable_at_80_columns(on_terminal: OnTerminal) -> None:
    Path("resnet.yaml").write_text(RESNET)
    _, shown = on_terminal("show", "resnet.yaml")
    assert "  0: conv2d(64, 7, stride=2, padding=3,    [N, 64, (H+1)//2, (W+1)//2]" in shown
    assert "\n    bias=false)\n" in shown
    assert "0: adaptive_avg_pool2d(1)" in shown
    assert "  0, 1 (2 times, each)" in shown
    assert "(residual)" in shown
    # Nothing is cut: a column of numbers is whole or not there.
    assert "..." not in shown
    assert "mult-adds" not in shown
    assert "a wider terminal shows the multiply-adds of each layer" in shown
    _, wide = on_terminal("show", "resnet.yaml", columns=200)
    assert "9,408*N*((H+1)//2)*((W+1)//2)" in wide
    assert "conv2d(64, 7, stride=2, padding=3, bias=false)" in wide


def test_a_model_of_70_billion_parameters_fits_one_screen(run: Run) -> None:
    done = run("show", str(SPECS / "llama_like.yaml"), "--variant", "llama_3_70b")
    lines = done.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[4].split() == ["layers", "68,452,352,000"]
    assert (
        lines[5]
        == "  0 … 79 (80 times, each)                                            855,654,400"
    )
    unfolded = run("show", str(SPECS / "llama_like.yaml"), "--variant", "llama_3_70b", "--unfold")
    assert unfolded.stdout.count("mlp: swiglu(28672)") == 80


def test_sizes_are_numbers_where_they_are_given(run: Run) -> None:
    Path("resnet.yaml").write_text(RESNET)
    sizes = ["--batch", "2", "--size", "H=64"]
    shown = run("show", "resnet.yaml", *sizes, "--size", "W=32", "--depth", "1").stdout
    assert shown.startswith("SmallResNet: input [2, 3, 64, 32] -> [2, 1000]\n")
    assert re.search(r"^layer1 +8 layers +\[2, 64, 16, 8\] +73,984 +18,874,368$", shown, re.M)
    assert "N" not in re.sub("SmallResNet", "", shown)
    plan = json.loads(run("show", "resnet.yaml", *sizes, "--json").stdout)
    assert plan["layers"][0]["outputs"][0]["shape"] == [2, 64, 32, "(W + 1)//2"]
    refused = run("show", "resnet.yaml", "--size", "H=31")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "the size H is 31, but has to be at least 32" in refused.stderr


def test_conditions_and_devices_are_shown(run: Run) -> None:
    Path("conv.yaml").write_text(
        "netspec: 1\ninput: [N, 3, H, W]\n"
        "layers: [{conv2d: {out_channels: 4, kernel_size: 5}, device: meta}]\n"
    )
    shown = run("show", "conv.yaml").stdout
    assert "needs H >= 5 and W >= 5\n" in shown
    assert "0 @meta" in shown


def test_wide_letters_stand_in_their_columns(run: Run) -> None:
    Path("wide.yaml").write_text("netspec: 1\ninput: [N, 8]\nlayers: {卷积层: relu, a: relu}\n")
    lines = run("show", "wide.yaml").stdout.splitlines()
    assert lines[3:5] == ["卷积层  relu   [N, 8]", "a       relu   [N, 8]"]


def test_the_plan_as_json(run: Run) -> None:
    Path("resnet.yaml").write_text(RESNET)
    done = run("show", "--json", "resnet.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    plan = json.loads(done.stdout)
    assert list(plan) == [
        "name",
        "inputs",
        "outputs",
        "layers",
        "parameters",
        "ties",
        "frozen",
        "total_params",
        "trained_params",
        "total_buffer_numel",
        "total_macs",
        "total_saved_for_backward",
        "conditions",
        "warnings",
    ]
    assert plan["inputs"] == [{"name": "input", "shape": ["N", 3, "H", "W"], "dtype": "float32"}]
    assert plan["layers"][0] == {
        "path": "stem.0",
        "type": "conv2d",
        "class": "torch.nn.Conv2d",
        "arguments": {
            "in_channels": 3,
            "out_channels": 64,
            "kernel_size": 7,
            "stride": 2,
            "padding": 3,
            "dilation": 1,
            "groups": 1,
            "bias": False,
            "padding_mode": "zeros",
        },
        "inputs": [{"shape": ["N", 3, "H", "W"], "dtype": "float32"}],
        "outputs": [{"shape": ["N", 64, "(H + 1)//2", "(W + 1)//2"], "dtype": "float32"}],
        "parameters": {"weight": [64, 3, 7, 7]},
        "buffers": {},
        "params": 9408,
        "buffer_numel": 0,
        "macs": "9408*N*((H + 1)//2)*((W + 1)//2)",
        "output_bytes": "256*N*((H + 1)//2)*((W + 1)//2)",
        "saved_for_backward": "12*H*N*W",
        "shapes": "rule",
        "device": None,
        "again": False,
    }
    assert plan["layers"][-1]["device"] == "cpu"
    for cost in ("params", "buffer_numel"):
        assert plan[f"total_{cost}"] == sum(layer[cost] for layer in plan["layers"])


def test_costs_beyond_all_limits_are_left_out(run: Run) -> None:
    conv = "conv1d: {out_channels: 2, kernel_size: 1, stride: $(index + 1)}"
    Path("many.yaml").write_text(
        "netspec: 1\ninput: [N, 3, T]\nlayers:\n"
        f"  - each: {{in: $(range(2099)), layers: [{{name: a$index, from: input, {conv}}}]}}\n"
    )
    done = run("show", "many.yaml")
    assert done.returncode == 0
    assert "parameters" in done.stdout
    assert "multiply-adds" not in done.stdout
    plan = json.loads(run("show", "--json", "many.yaml").stdout)
    assert (plan["total_macs"], plan["layers"][-1]["macs"]) == (None, "6*N*((T + 2098)//2099)")


def test_memory_is_written_for_people(run: Run) -> None:
    for layer, sizes, told in (
        ("batch_norm1d", "N, 512", "6.0 KiB*N + 4.0 KiB saved for backward"),
        ("batch_norm1d", "16, 512", "100.0 KiB saved for backward"),
        ("sigmoid", "N, T, 512", "4,096*N*T bytes saved for backward"),
    ):
        text = f"input: [{sizes}]\nlayers:\n  - linear: 512\n  - {layer}\n  - linear: 2\n"
        Path("memory.yaml").write_text(f"netspec: 1\n{text}")
        assert told in run("show", "memory.yaml").stdout.splitlines()


def test_numbers_that_json_lacks_are_texts(run: Run) -> None:
    Path("inf.yaml").write_text(
        "netspec: 1\ninput: [N, 8]\nlayers: [leaky_relu: .inf, batch_norm1d: {eps: .inf}]\n"
    )

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    json.loads(run("show", "--json", "inf.yaml").stdout, parse_constant=refuse)


def test_a_wrong_spec_goes_to_stderr(run: Run) -> None:
    for options in ([], ["--json"]):
        done = run("show", "wrong.yaml", *options)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("wrong.yaml:4:5: error: reluu is not a layer")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--placement", "p.yaml"], "--placement is of use with --memory"),
        (["--size", "H=8"], "H is no named size of the model's inputs, which have N"),
        (["--batch", "0"], "the size N is not a number from 1 to"),
        (["--depth", "0"], "'0' is not a number of containers, 1 or more"),
        (["--memory"], "the size N of the input has no value: give it, as N=1"),
        (["--memory", "--size", "N=x"], "--size N=x: write for example --size T=128"),
    ],
)
def test_memory_needs_its_sizes(words: list[str], said: str, run: Run) -> None:
    done = run("show", "model.yaml", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_memory_as_json(run: Run) -> None:
    done = run("show", "model.yaml", "--memory", "--batch", "8", "--dtype", "bf16", "--json")
    told = json.loads(done.stdout)
    assert (told["dtype"], told["optimizer"], told["sizes"]) == ("bfloat16", "adamw", {"N": 8})
    (device,) = told["ranks"][0]["devices"]
    assert device["parameters"] == 2 * (8 * 16 + 16 + 16 * 2)
    assert device["saved"] == 2 * 8 * (8 + 16)
