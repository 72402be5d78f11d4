"""The built-in layers are documented and called as torch's classes.

That their arguments are the classes' own is in the tests that plugins get, too:
``tests/properties/test_layers.py``.
"""

import importlib
import inspect
import pkgutil
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import pytest
import torch
from torch import nn

import netspec
from netspec import layers
from netspec.declaration import declared_layers, imported
from netspec.plugin import Inferred, LayerType, Output, TensorType, layer
from netspec.testing.signatures import (
    LAYERS_AS_ARGUMENTS,
    LEFT_OUT,
    MAY_LACK,
    differences,
    differences_from_twin,
    parameters,
)

LAYERS = {name: found.layer for name, found in netspec.Registry().layers().items()}
TWINS = {
    name: twin
    for name, layer in LAYERS.items()
    if not layer.target.startswith("torch.") and (twin := getattr(nn, layer.alias, None))
}


@pytest.mark.parametrize("name", TWINS)
def test_a_class_of_netspec_s_own_has_the_arguments_of_torch_s(name: str) -> None:
    found = [*differences_from_twin(LAYERS[name], TWINS[name])]
    assert not found, "\n".join(found)


#: Classes of torch.nn that torch's documentation has no page of.
NO_PAGE = {"torch.nn.CrossMapLRN2d"}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_a_layer_is_documented_and_called_like_its_class(layer: LayerType) -> None:
    if layer.target.startswith("torch.") and layer.target not in NO_PAGE:
        described = {"torch.nn.CrossMapLRN2d": "torch.nn.LocalResponseNorm"}  # torch has no page
        name = described.get(layer.target, layer.target)
        page = f"https://docs.pytorch.org/docs/stable/generated/{name}.html"
        assert page in layer.description
    assert layer.name.replace("_", "") == layer.alias.lower()


SEVERAL = {name: layer for name, layer in LAYERS.items() if layer.keyword_inputs}


@pytest.mark.parametrize("layer", SEVERAL.values(), ids=SEVERAL)
def test_inputs_that_go_by_keyword_are_those_of_forward(layer: LayerType) -> None:
    made: type[nn.Module] = imported(layer.target)
    names = [*inspect.signature(made.forward).parameters]
    assert set(layer.keyword_inputs) <= set(names)
    required = list(layer.inputs[: layer.required_inputs])
    assert names[1 : 1 + len(required)] == required


def test_exceptions_are_about_arguments_that_there_are() -> None:
    classes = [getattr(nn, name) for name in dir(nn) if inspect.isclass(getattr(nn, name))]
    modules = [cls for cls in classes if issubclass(cls, nn.Module)]
    there = {f"{cls.__name__}.{name}" for cls in modules for name in parameters(cls)}
    for pattern in LEFT_OUT:
        assert any(fnmatchcase(name, pattern) for name in there), pattern
    for pattern in MAY_LACK:  # an older torch has the class alone
        name = pattern.partition(".")[0]
        assert any(fnmatchcase(cls.__name__, name) for cls in modules), pattern
    assert any(name.endswith(f".{one}") for one in LAYERS_AS_ARGUMENTS for name in there)


# ---- the comparison itself


class Stretch(nn.Module):
    """A class for ``stretch`` and its faulty relatives."""

    def __init__(
        self,
        features: int,
        factor: float = 2.0,
        mode: str = "wide",
        device: str | None = None,
        *args: object,
        bias: bool = True,
    ) -> None:
        super().__init__()


STRETCH = f"{__name__}.Stretch"
Features = Annotated[int, Inferred("the input's last size", lambda input: input.shape[-1])]
Mode = Literal["wide", "high"]


@layer(STRETCH)
def stretch(
    input: TensorType,
    *,
    features: Features,
    factor: float = 2.0,
    mode: Mode = "wide",
    bias: bool = True,
) -> Output:
    """As the class."""
    return Output(input.shape)


@layer(STRETCH)
def lacking(
    input: TensorType, *, features: Features, factor: float = 2.0, bias: bool = True
) -> Output:
    """Without the mode."""
    return Output(input.shape)


@layer(STRETCH)
def more(
    input: TensorType,
    *,
    features: Features,
    factor: float = 2.0,
    mode: Mode = "wide",
    bias: bool = True,
    height: int = 1,
) -> Output:
    """With a height."""
    return Output(input.shape)


@layer(STRETCH)
def turned(
    input: TensorType,
    *,
    features: Features,
    mode: Mode = "wide",
    factor: float = 2.0,
    bias: bool = True,
) -> Output:
    """In another order."""
    return Output(input.shape)


@layer(STRETCH)
def other(
    input: TensorType, *, features: Features, factor: float, mode: Mode = "high", bias: bool = True
) -> Output:
    """With other defaults."""
    return Output(input.shape)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (stretch, []),
        (
            lacking,
            ["Stretch has the argument `mode: str = 'wide'` that `lacking` lacks: add `mode: str "
             "= 'wide'` after `factor` to", "or to `left_out` of conformance() as 'Stretch.mode'"],
        ),
        (more, ["Stretch has no argument `height`, which `more` has: take it out"]),
        (turned, ["Stretch has the order ['features', 'factor', 'mode', 'bias'], `turned` in"]),
        (
            other,
            ["`factor` of", "Stretch is 2.0 by default, and that of `other` is required",
             "Stretch is 'wide' by default, and that of `other` is 'high' by default"],
        ),
    ],
    ids=lambda value: value.name if isinstance(value, LayerType) else "",
)  # fmt: skip
def test_what_is_said_of_a_difference(layer: LayerType, said: list[str]) -> None:
    told = "\n".join(differences(layer, Stretch))
    assert bool(told) == bool(said)
    for part in said:
        assert part in told


def test_a_class_is_named_with_its_torch() -> None:
    told = "\n".join(differences(lacking, nn.Linear))
    assert f"torch.nn.Linear of torch {torch.__version__} has the argument `in_features" in told
    assert "lacks: add `in_features: int` first to " in told


def test_a_new_argument_of_rnn_base_is_one_of_lstm_s(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = inspect.signature(nn.RNNBase)
    new = inspect.Parameter("peephole", inspect.Parameter.KEYWORD_ONLY, default=False)
    signature = usual.replace(parameters=[*usual.parameters.values(), new])
    monkeypatch.setattr(nn.RNNBase, "__signature__", signature, raising=False)
    told = "\n".join(differences(LAYERS["lstm"], nn.LSTM))
    assert "torch.nn.LSTM of torch " in told
    assert "`peephole=False` that `lstm` lacks" in told


@pytest.mark.parametrize(
    ("cls", "has", "has_not"),
    [(nn.LSTM, {"proj_size"}, {"nonlinearity"}), (nn.GRU, set(), {"proj_size", "nonlinearity"}),
     (nn.RNN, {"nonlinearity"}, {"proj_size"})],
)  # fmt: skip
def test_recurrent_classes_have_what_rnn_base_has(
    cls: type, has: set[str], has_not: set[str]
) -> None:
    there = set(parameters(cls))
    assert there >= has | {"input_size", "hidden_size", "num_layers", "bidirectional"}
    assert not there & (has_not | {"mode", "self"})


def test_a_twin_takes_the_arguments_of_the_layer_that_torch_s_takes() -> None:
    @layer("netspec.modules.Twin")
    def twin(input: TensorType, *, d_model: int, nhead: int, num_layers: int) -> Output:
        """Lacks most of it."""
        return Output(input.shape)

    told = "\n".join(differences_from_twin(twin, nn.TransformerDecoder))
    assert "`decoder_layer" not in told
    assert "`dim_feedforward: int = 2048` after `nhead`" in told
    assert "TransformerDecoder of torch" in told


# ---- the lists of layers


def test_every_layer_that_a_module_declares_is_registered() -> None:
    """Families are what their modules declare; and no such module is forgotten."""
    modules = [
        importlib.import_module(f"netspec.layers.{found.name}")
        for found in pkgutil.iter_modules(layers.__path__)
    ]
    declaring = {module.__name__ for module in modules if declared_layers(module)}
    assert declaring <= {family.__name__ for family in layers.FAMILIES}
    registered = [found.layer for found in netspec.Registry().layers().values()]
    for module in modules:
        assert all(layer in registered for layer in declared_layers(module))


@pytest.mark.parametrize("package", ["einops", "torchvision", "transformer"])
def test_every_layer_that_a_plugin_declares_is_registered(package: str) -> None:
    root = importlib.import_module(f"netspec_{package}")
    plugin = importlib.import_module(f"netspec_{package}.plugin")
    listed = list(plugin.netspec_layers())
    for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
        if ".modules" in found.name:
            continue  # of torch
        for one in declared_layers(importlib.import_module(found.name)):
            assert one in listed, f"{one.name} of {found.name} is declared and not listed"
