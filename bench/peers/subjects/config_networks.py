"""config-networks: lists of layer dicts."""

from __future__ import annotations

import ast
import importlib
from typing import Any

from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights

config_networks = importlib.import_module("config_networks")

Item = dict[str, Any]


def structure(input: tuple[int, ...], *layers: Item) -> Item:
    return {"input_shape": input, "layers": list(layers)}


def linear(outputs: int, **more: object) -> Item:
    return {"type": "linear", "out_features": outputs, **more}


RELU: Item = {"type": "relu"}
MLP = structure(
    (28, 28),
    {"type": "flatten"},
    *(linear(512), RELU, linear(512), RELU, linear(10)),
    {"type": "softmax", "dim": 1},
)


def chain(layers: int) -> Item:
    return structure((WIDTH,), *([linear(WIDTH), RELU] * (layers // 2)))


def peer(command: str) -> Peer:
    return Peer("config-networks", "config-networks", _ways(), _attempts(command))


def _ways() -> tuple[Way, ...]:
    values = chain(LAYERS)
    text, mlp_text = repr(values), repr(MLP)
    return (
        Way("mlp", "dict", lambda: lambda: _model(MLP)),
        Way("mlp", "text of a dict", lambda: lambda: _model(ast.literal_eval(mlp_text))),
        Way("build", "dict", lambda: lambda: _model(values)),
        Way("build", "text of a dict", lambda: lambda: _model(ast.literal_eval(text))),
        Way("forward", "", lambda: with_weights(_model(chain(FORWARD_LAYERS)))),
        Way("check", "only_shape, checks nothing", _only_shape),
        Way("shapes", "only_shape, checks nothing", _only_shape),
    )


def _model(values: Item) -> Any:
    return config_networks.CustomNN(structure=values)


def _only_shape() -> Work:
    """Its function for one layer, which can give the shape alone; a loop has to be written."""
    values = chain(LAYERS)

    def run() -> tuple[int, ...]:
        shape: tuple[int, ...] = values["input_shape"]
        for layer in values["layers"]:
            _, shape = config_networks.layer_from_config_dict(layer, shape, only_shape=True)
        return shape

    return run


def _attempts(command: str) -> dict[str, Attempt | str]:
    convolution = {"type": "CNN", "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1}
    residual = {"type": "split", "branches": [[convolution], []], "combination": "sum"}
    pool = {"type": "maxpool", "kernel_size": 2, "stride": 2, "ceil_mode": True}
    layer = "{'type': 'linear', 'out_features': 256, 'out_features': 1024}"
    twice = f"{{'input_shape': (8,), 'layers': [{layer}]}}"
    return {
        "in_features": _wrong(
            structure((28, 28), {"type": "flatten"}, linear(10, in_features=128))
        ),
        "kernel": _wrong(
            structure((3, 8, 8), {"type": "CNN", "out_channels": 8, "kernel_size": 9})
        ),
        "layer": _wrong(structure((8,), {"type": "linera", "out_features": 4})),
        "argument": _wrong(
            structure((3, 8, 8), {"type": "CNN", "out_channels": 8, "kernel_size": 3, "strid": 2})
        ),
        "residual": _wrong(structure((3, 8, 8), residual)),
        "symbolic": _wrong(structure((3, -1, -1), residual)),
        "ceil": _wrong(
            structure((1, 9, 9), pool, {"type": "flatten"}, linear(10)),
            "it infers the 16 itself",
        ),
        "twice": Attempt(lambda: _model(ast.literal_eval(twice))),
        "text": _wrong(structure((8,), linear(4, bias="false"))),
        "code": _wrong(structure((8,), {"type": "os.system", "command": command})),
    }


def _wrong(values: Item, note: str = "") -> Attempt:
    return Attempt(lambda: _model(values), note=note)
