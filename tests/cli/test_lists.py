"""``netspec layers`` and ``netspec plugins``."""

import json
import os
import subprocess
from collections.abc import Callable

import pytest

import netspec
from netspec.declaration import LayerType, Output, TensorType, layer
from netspec.plugin import hookimpl
from netspec.registry import Plugin, RegisteredLayer, Registry
from netspec.render.facts import ways
from netspec.render.layers import layer_list, layer_page, plugin_list

Run = Callable[..., subprocess.CompletedProcess[str]]
OnTerminal = Callable[..., tuple[int, str]]


def test_the_list_of_layers(run: Run, on_terminal: OnTerminal) -> None:
    lines = run("layers").stdout.splitlines()
    assert lines[0].startswith("torch.nn (from netspec ")
    assert lines[lines.index("  Convolutions") - 1] == ""
    assert lines[lines.index("  Convolutions") + 1].startswith("    conv1d  ")
    assert "linear Applies x @ weight.T + bias to the last dimension" in [
        " ".join(line.split()) for line in lines
    ]
    code, shown = on_terminal("layers")
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert "conv2d Convolution over an image" in " ".join(shown.split())


def test_the_page_of_a_layer(run: Run) -> None:
    shown = run("layers", "conv2d").stdout
    assert shown == run("layers", "Conv2d").stdout
    assert "write  conv2d: {out_channels: 64, kernel_size: 3}\n" in shown
    lines = [line.split("  ") for line in shown.splitlines() if line.startswith("padding ")]
    assert [part for part in lines[0] if part] == [
        "padding",
        " whole number >= 0, list of 2, valid or same",
        "0",
    ]


@pytest.mark.parametrize("name", Registry().layers())
def test_every_page_fits_80_columns(name: str) -> None:
    page = layer_page(Registry().layers()[name], 80)
    # An address stays whole, so that a terminal can follow it.
    assert all(len(line) <= 80 or line.startswith("https://") for line in page.splitlines())
    assert "``" not in page
    assert "\n\n\n" not in page


@pytest.mark.parametrize("layer", [one.layer for one in Registry().layers().values()])
def test_each_way_to_write_a_layer_can_be_written(layer: LayerType) -> None:
    inputs = ", ".join(f"{name}: [N, 8]" for name in layer.inputs)
    for way in ways(layer):
        given = f"inputs: {{{inputs}}}" if "from: " in way else "input: [N, 8]"
        found = netspec.check(f"netspec: 1\n{given}\nlayers:\n  - {way}\n")
        errors = {one.code for one in found if one.severity == "error"}
        assert errors <= {"shape-mismatch", "wrong-inputs"}, (way, found)


@layer("torch.nn.Bilinear")
def mixed(
    first: TensorType, second: TensorType, mask: TensorType | None = None, *, size: int
) -> Output:
    """Of two inputs, or three."""
    return Output(first.shape)


def test_several_inputs_are_named() -> None:
    page = layer_page(RegisteredLayer(mixed, Plugin("mine", "mine", "1.0")), 79)
    written = page[page.index("write ") :].split("\n\n")[0]
    assert written.splitlines() == [
        "write   {from: [first, second], mixed: 64}",
        "or      {from: [first, second, mask], mixed: 64}",
        "inputs  first and second; mask may be left out",
    ]
    assert "inputs " not in layer_page(Registry().layers()["conv2d"])


def test_layers_of_a_plugin_have_no_family() -> None:
    mine = Plugin("mine", "netspec-mine", "1.0")
    both = {"linear": Registry().layers()["linear"], "mixed": RegisteredLayer(mixed, mine)}
    shown = layer_list(both, None)
    assert shown.splitlines()[-4:-1] == ["mine (from netspec-mine 1.0)",
                                         "  mixed  Of two inputs, or three", ""]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("relux", "relux is not a layer; did you mean relu?"),
        ("zzzzzz", "zzzzzz is not a layer; `netspec layers` lists all"),
        ("", " is not a layer; "),
        ("BCELoss", "BCELoss is not a layer; a loss compares the model's output with a target"),
        ("LazyConv2d", "LazyConv2d is not a layer; write conv2d: in_channels is inferred"),
    ],
)
def test_a_layer_that_is_not_there(name: str, said: str, run: Run) -> None:
    done = run("layers", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_layers_as_json(run: Run) -> None:
    every = json.loads(run("layers", "--json").stdout)
    (linear,) = [layer for layer in every if layer["name"] == "linear"]
    assert json.loads(run("layers", "linear", "--json").stdout) == linear
    assert linear["class"] == "torch.nn.Linear"
    assert linear["family"] == "Linear layers"
    assert linear["inputs"] == [{"name": "input", "required": True}]
    assert linear["obvious_argument"] == "out_features"
    assert linear["package"] == "netspec"
    assert linear["arguments"][:2] == [
        {
            "name": "in_features",
            "takes": "a whole number >= 1",
            "required": False,
            "inferred_from": "the input's last size",
            "default": None,
            "was": [],
            "deprecated": None,
        },
        {
            "name": "out_features",
            "takes": "a whole number >= 1",
            "required": True,
            "inferred_from": None,
            "default": None,
            "was": [],
            "deprecated": None,
        },
    ]


def test_the_plugins(run: Run, on_terminal: OnTerminal) -> None:
    shown = run("plugins").stdout
    assert shown.startswith("torch.nn (from netspec ")
    assert "log_softmax" in shown, "a program gets them all"
    code, shown = on_terminal("plugins")
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert "... (see `netspec layers`)\n" in shown
    first = json.loads(run("plugins", "--json").stdout)[0]
    kinds = ["layers", "blocks", "initialisers", "strategies", "exporters", "commands"]
    assert list(first) == ["name", "package", "version", *kinds, "hooks", "problem"]
    assert (first["name"], first["package"], first["problem"]) == ("torch.nn", "netspec", None)


def test_a_disabled_plugin_says_why() -> None:
    problem = "the plugin 'sunny' of netspec-sunny 1.0: SyntaxError: " + "bad\n\x1b[31m word " * 20
    shown = plugin_list([Plugin("sunny", "netspec-sunny", "1.0", problem=problem)], 80)
    first, second, *_ = shown.splitlines()
    assert first == "sunny (from netspec-sunny 1.0)"
    assert second.startswith("  disabled: the plugin 'sunny' of netspec-sunny 1.0: SyntaxError")
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown


def test_a_layer_of_a_plugin_that_was_not_chosen_is_told(run: Run) -> None:
    done = run("layers", "--no-plugins", "swap_axes")
    assert done.returncode == 2
    assert "the plugin 'torchvision' was not chosen" in done.stderr


def test_plugins_are_chosen_by_the_command_line_or_the_environment(run: Run) -> None:
    def names(*arguments: str, choice: str | None = None) -> set[str]:
        chosen = {} if choice is None else {"NETSPEC_PLUGINS": choice}
        shown = run("plugins", "--json", *arguments, env={**os.environ, **chosen}).stdout
        return {plugin["name"] for plugin in json.loads(shown)}

    own = {"torch.nn", "placement"}
    assert names("--no-plugins") == names(choice="") == own
    assert names("--plugin", "torchvision") == own | {"torchvision"}
    assert names("--plugin", "torchvision", choice="") == own | {"torchvision"}
    assert own | {"torchvision"} <= names()


def test_a_chosen_plugin_that_is_not_there(run: Run) -> None:
    done = run("check", "--plugin", "nobody", "model.yaml")
    assert done.returncode == 2
    assert done.stderr == (
        "netspec: error: no plugin nobody is installed; `netspec plugins` lists them\n"
    )
    done = run("check", "--plugin", "nobody", "--no-plugins", "model.yaml")
    assert done.returncode == 2
    assert "not allowed with" in done.stderr


def test_the_layers_of_two_plugins_with_one_name_have_their_full_names() -> None:
    @layer("torch.nn.ReLU")
    def glow(input: TensorType) -> Output:
        """Shines."""
        return Output(input.shape)

    registry = Registry(builtin=False)
    for name in ("one", "two"):
        registry.register(Shining(glow), name=name, package=f"{name}-layers", version="1.0")
    shown = layer_list(registry.layers(), None)
    assert "  one.glow  Shines" in shown
    assert "  two.glow  Shines" in shown


class Shining:
    def __init__(self, *layers: LayerType) -> None:
        self.layers = layers

    @hookimpl
    def netspec_layers(self) -> tuple[LayerType, ...]:
        return self.layers
