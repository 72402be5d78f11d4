"""Keras 3 on its torch backend; its models are no modules with torch's names."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import torch

from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import BATCH, FORWARD_LAYERS, LAYERS, WIDTH, forward, weighted

os.environ["KERAS_BACKEND"] = "torch"
keras = importlib.import_module("keras")
layers = keras.layers

# A model of 1,000 layers is a RecursionError at Python's own limit.
sys.setrecursionlimit(100_000)


def mlp() -> Any:
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(512),
            layers.ReLU(),
            layers.Dense(512),
            layers.ReLU(),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )


def chain(count: int) -> Any:
    made: list[Any] = [keras.Input((WIDTH,))]
    for _ in range(count // 2):
        made += [layers.Dense(WIDTH), layers.ReLU()]
    return keras.Sequential(made)


def peer(command: str) -> Peer:
    return Peer("Keras", "keras", _ways(), _attempts(command))


def _ways() -> tuple[Way, ...]:
    return (
        Way("mlp", "Sequential", lambda: mlp),
        Way("mlp", "model_from_json", _mlp_json),
        Way("build", "Sequential, recursion limit raised", lambda: lambda: chain(LAYERS)),
        Way("build", "model_from_json, recursion limit raised", _chain_json),
        Way("forward", "", _forward, 4),
        Way("check", "summary of the built model", _summary),
        Way("shapes", "compute_output_shape of the built model", _output_shape),
    )


def _mlp_json() -> Work:
    text = mlp().to_json()
    return lambda: keras.models.model_from_json(text)


def _chain_json() -> Work:
    text = chain(LAYERS).to_json()
    return lambda: keras.models.model_from_json(text)


def _summary() -> Work:
    model = chain(LAYERS)
    return lambda: model.summary()


def _output_shape() -> Work:
    model = chain(LAYERS)
    return lambda: model.compute_output_shape((BATCH, WIDTH))


def _forward() -> Work:
    model = chain(FORWARD_LAYERS)
    with torch.no_grad():
        for variable, value in zip(model.weights, weighted().parameters(), strict=True):
            variable.value.copy_(value.T)  # Keras has the matrices the other way round
    return forward(model)


def _attempts(command: str) -> dict[str, Attempt | str]:
    """Wrong JSON is the JSON of a right model with one place changed."""
    dense = _json(keras.Input((8,)), layers.Dense(4))
    convolution = _json(keras.Input((8, 8, 3)), layers.Conv2D(8, 3))
    place = '"module": "keras.layers", "class_name": "Dense", "config": {"name": "dense"'
    code = f'"module": "os", "class_name": "system", "config": {{"command": "{command}"'
    none = "sizes cannot be written"
    return {
        "in_features": none,
        "kernel": _wrong(convolution, '"kernel_size": [3, 3]', '"kernel_size": [9, 9]'),
        "layer": _wrong(dense, '"class_name": "Dense"', '"class_name": "Linera"'),
        "argument": _wrong(convolution, '"strides": [1, 1]', '"strid": [2, 2]'),
        "residual": Attempt(lambda: _residual((8, 8, 3))),
        "symbolic": Attempt(lambda: _residual((None, None, 3))),
        "ceil": "has no ceil_mode, and sizes cannot be written",
        "twice": _wrong(dense, '"units": 4', '"units": 256, "units": 1024'),
        "text": _wrong(dense, '"use_bias": true', '"use_bias": "false"'),
        "code": _wrong(dense, place, code),
    }


def _json(*parts: Any) -> str:
    keras.backend.clear_session()  # or the layer's name has a number
    text: str = keras.Sequential(list(parts)).to_json()
    return text


def _wrong(text: str, right: str, wrong: str) -> Attempt:
    assert text.count(right) == 1, text
    written = text.replace(right, wrong)
    return Attempt(lambda: _channels_first(keras.models.model_from_json(written)))


def _channels_first(model: Any) -> Any:
    """Keras has the channels of an image last; what it gets here has them second."""
    if len(model.input_shape) != 4:
        return model
    return lambda x: model(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _residual(shape: tuple[int | None, ...]) -> Any:
    x = keras.Input(shape)
    y = layers.Conv2D(3, 3, strides=2, padding="same")(x)
    return _channels_first(keras.Model(x, layers.Add()([x, y])))
