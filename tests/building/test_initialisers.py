"""The declared initialisers are torch.nn.init's, and take what those take."""

from __future__ import annotations

import inspect
import math
from typing import Literal, get_args, get_origin

import pytest
import torch
from torch import nn

import netspec
from netspec.declaration import FromClass, InitialiserType, Refusal, imported
from netspec.declaration.arguments import Choice
from netspec.expansion.initialisers import own_values
from netspec.layers.initialisers import INITIALISERS
from netspec.spec import Value

OWN = {one.name: one for one in INITIALISERS}


def test_there_are_those_of_torch_and_no_others() -> None:
    public = [name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")]
    assert sorted(OWN) == sorted(name.rstrip("_") for name in public)


@pytest.mark.parametrize("one", INITIALISERS, ids=OWN)
def test_an_initialiser_has_the_arguments_of_torch_s(one: InitialiserType) -> None:
    theirs = dict(inspect.signature(imported(one.declared.target)).parameters)
    del theirs["tensor"]
    theirs.pop("generator", None)
    ours = one.declared.arguments
    assert list(ours) == list(theirs)
    for name, argument in ours.items():
        default = theirs[name].default
        assert argument.required == (default is inspect.Parameter.empty)
        assert argument.required or argument.default == default
        hint = theirs[name].annotation
        if get_origin(hint) is Literal:
            assert isinstance(argument.kind, Choice)
            assert argument.kind.values == get_args(hint)


SHAPES = [(), (0,), (3,), (0, 0), (3, 0), (0, 3), (2, 4), (3, 0, 0), (4, 2, 3), (4, 1, 2, 2, 2)]
NUMBERS = (0, -1, 2, 1e36, -1e36, 1e38, 1e300, math.inf)


@pytest.mark.filterwarnings("ignore:Initializing zero-element", "ignore:mean is more than 2 std")
@pytest.mark.parametrize("one", INITIALISERS, ids=OWN)
def test_what_is_accepted_fills_a_parameter(one: InitialiserType) -> None:
    least: dict[str, Value] = dict.fromkeys(one.declared.required, 0.5)
    given = [least]
    for name, argument in one.declared.arguments.items():
        tried = argument.kind.values if isinstance(argument.kind, Choice) else NUMBERS
        given += [{**least, name: value} for value in tried if argument.kind.accepts(value)]
    accepted = 0
    for shape in SHAPES:
        for arguments in given:
            try:
                one.require_shape(shape, {**one.declared.defaults, **arguments})
            except Refusal:
                if arguments == least and 0 not in shape:
                    with pytest.raises((ValueError, ZeroDivisionError)):
                        imported(one.declared.target)(torch.empty(shape), **arguments)
                continue
            imported(one.declared.target)(torch.empty(shape), **arguments)
            accepted += 1
    assert accepted


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("{linear: 4}", "[N, 8]"),
        ("{conv1d: {out_channels: 4, kernel_size: 3, padding: same}}", "[N, 8, 9]"),
        (
            "{conv2d: {out_channels: 4, kernel_size: 3, dilation: [1, 2], bias: false}}",
            "[N, 8, 9, 9]",
        ),
        ("{conv_transpose3d: {out_channels: 4, kernel_size: 3}}", "[N, 8, 9, 9, 9]"),
        ("{batch_norm2d: {momentum: null}}", "[N, 8, 9, 9]"),
        ("{layer_norm: }", "[N, 8]"),
        ("{layer_norm: {normalized_shape: 8}}", "[N, 8]"),
        ("{group_norm: 2}", "[N, 8, 9, 9]"),
        ("{rms_norm: }", "[N, 8]"),
        ("{prelu: }", "[N, 8]"),
        ("{lstm: 4}", "[N, 3, 8]"),
        ("{self_attention: 2}", "[N, 3, 8]"),
    ],
)
def test_expressions_see_what_the_module_has(layer: str, shape: str) -> None:
    spec = netspec.loads(f"netspec: 1\ninput: {shape}\nlayers: [{layer}]\n")
    (row,) = netspec.plan(spec).layers
    module = netspec.build(spec, device="meta").get_submodule("0")
    assert not isinstance(row.application.type, FromClass)
    for name, value in own_values(row.application).items():
        if name in module._parameters:
            assert value == (module._parameters[name] is not None), name
        elif not isinstance(theirs := getattr(module, name, value), nn.Module):
            assert value == theirs, name
