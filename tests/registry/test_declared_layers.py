"""The built-in layers' arguments are those of torch's classes: names, order, defaults."""

import importlib
import inspect
from typing import get_overloads

import pytest

import netspec
from netspec.plugin import LayerType

LAYERS = {name: found.layer for name, found in netspec.Registry().layers().items()}

#: Arguments that netspec has and the class may lack, with the reason.
MAY_LACK = {
    ("batch_norm1d", "bias"): "keyword-only and new in torch 2.15; planned since 2.11",
    ("batch_norm3d", "bias"): "keyword-only and new in torch 2.15; planned since 2.11",
    ("batch_norm2d", "bias"): "keyword-only and new in torch 2.15; planned since 2.11",
}

#: Arguments of classes that no spec can write, with the reason.
NO_VALUES = {
    ("transformer", "custom_encoder"): "a module: a spec writes its layers",
    ("transformer", "custom_decoder"): "a module: a spec writes its layers",
}

#: Defaults that differ from the class's: inferred ones, and torch's function for its name.
OTHER_DEFAULTS = {
    ("multihead_attention", "kdim"): inspect.Parameter.empty,
    ("multihead_attention", "vdim"): inspect.Parameter.empty,
    ("transformer", "d_model"): inspect.Parameter.empty,
    ("transformer", "activation"): "relu",
    ("transformer_encoder_layer", "activation"): "relu",
    ("transformer_decoder_layer", "activation"): "relu",
}

#: Arguments of classes that netspec leaves out everywhere: placement is the spec's `device:`.
LEFT_OUT = {"device", "dtype"}


def torch_parameters(layer: LayerType) -> dict[str, inspect.Parameter]:
    """The arguments of the layer's class that can be written by name."""
    module, _, name = layer.target.rpartition(".")
    target = getattr(importlib.import_module(module), name)
    signature = inspect.signature(target)
    if layer.name in ("lstm", "gru", "rnn"):  # theirs is (*args, **kwargs), with overloads
        signature = inspect.signature(get_overloads(target.__init__)[0])
    return {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in LEFT_OUT
        and (layer.name, name) not in NO_VALUES
        and name != "self"
        and not name.startswith("_")
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }


def comparable(layer: LayerType) -> list[str]:
    """The layer's arguments without those that this torch's class may lack."""
    there = torch_parameters(layer)
    return [name for name in layer.arguments if name in there or (layer.name, name) not in MAY_LACK]


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_names_and_order_are_those_of_torch(layer: LayerType) -> None:
    assert comparable(layer) == list(torch_parameters(layer))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_defaults_are_those_of_torch(layer: LayerType) -> None:
    there = torch_parameters(layer)
    empty = inspect.Parameter.empty
    # repr, because 1 == 1.0 == True
    assert {name: repr(layer.defaults.get(name, empty)) for name in comparable(layer)} == {
        name: repr(OTHER_DEFAULTS.get((layer.name, name), parameter.default))
        for name, parameter in there.items()
    }


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_defaults_are_values_that_may_be_written(layer: LayerType) -> None:
    for name, default in layer.defaults.items():
        assert layer.arguments[name].kind.accepts(default), name


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_layer_is_documented_and_called_like_its_class(layer: LayerType) -> None:
    assert layer.summary
    if layer.target.startswith("torch."):
        page = f"https://docs.pytorch.org/docs/stable/generated/{layer.target}.html"
        assert page in layer.description
    assert layer.name.replace("_", "") == layer.alias.lower()


def test_exceptions_are_about_layers_that_there_are() -> None:
    assert all(argument in LAYERS[layer].arguments for layer, argument in MAY_LACK)
