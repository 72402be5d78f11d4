"""Every class of the installed torch.nn is a layer, or there is a reason why not."""

import importlib
import inspect
import re

import pytest
import torch
from torch import nn

import netspec
from netspec.layers.not_layers import REASONS, why_not

REGISTRY = netspec.Registry()
CLASSES = {
    name: found
    for name in dir(nn)
    if inspect.isclass(found := getattr(nn, name)) and issubclass(found, nn.Module)
}


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_is_a_layer_or_there_is_a_reason_why_not(name: str) -> None:
    layer, reason = REGISTRY.find(name), why_not(name)
    assert layer or reason, (
        f"torch.nn.{name} of torch {torch.__version__} is not a layer: declare it in a module of "
        f"netspec/layers, or say in netspec/layers/not_layers.py why it is none"
    )
    assert not (layer and reason), f"{name} is a layer: take it out of netspec/layers/not_layers.py"
    if layer is not None:
        module, _, made = layer.layer.target.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), made), CLASSES[name])


def test_the_reasons_are_about_classes_that_there_are() -> None:
    newer = {"linearcrossentropyloss"}  # than the oldest torch that netspec takes
    assert set(REASONS) - newer <= {name.lower() for name in CLASSES}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CrossEntropyLoss", "your training loop calls it"),
        ("cross_entropy_loss", "your training loop calls it"),
        ("nn.NLLLoss2d", "your training loop calls it"),
        ("focal_loss", "your training loop calls it"),
        ("AdaptiveLogSoftmaxWithLoss", "its weights to the optimizer"),
        ("LazyLinear", "write linear: in_features is inferred"),
        ("lazy_conv2d", "write conv2d: in_channels is inferred"),
        ("torch.nn.Sequential", "as a list"),
        ("module_list", "`repeat` makes copies"),
        ("ParameterList", "parameter: [1, 1, 64]"),
        ("RNNBase", "rnn, lstm or gru"),
        ("DataParallel", "wrap what `netspec.build` gives"),
    ],
)
def test_the_reason_is_the_help_of_a_finding(name: str, said: str) -> None:
    (found,) = netspec.check(f"netspec: 1\ninput: [N, 8]\nlayers: [{name}: 3]\n")
    assert (found.code, found.message) == ("unknown-layer", f"{name} is not a layer")
    assert len(found.help) == 1
    assert said in found.help[0]


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "mse_loss"])
def test_the_builder_says_it_too(name: str) -> None:
    with pytest.raises(AttributeError, match=f"no layer '{name}'; a loss compares"):
        _ = getattr(netspec.Builder("N", 8), name)


@pytest.mark.parametrize("name", ["", "relux", "lazy", "lazy_relu", "LazyGRUU", "lossy", "Modul"])
def test_nothing_is_said_of_other_names(name: str) -> None:
    assert why_not(name) == ""


@pytest.mark.parametrize(
    "written",
    sorted({code for text in REASONS.values() for code in re.findall(r"`(- .*?)`", text)}),
)
def test_what_a_reason_says_to_write_can_be_written(written: str) -> None:
    text = f"netspec: 1\ninput: [N, 8]\nlayers:\n  {written}\n  - relu\n"
    assert [found for found in netspec.check(text) if found.severity == "error"] == []
