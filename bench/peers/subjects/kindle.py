"""kindle: YAML rows of [from, repeats, module, arguments], after YOLOv5."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights

kindle = importlib.import_module("kindle")

Rows = list[list[Any]]


def config(channels: int, rows: Rows, **more: object) -> dict[str, Any]:
    scale = {"depth_multiple": 1.0, "width_multiple": 1.0, "channel_divisor": 1}
    return {"input_channel": channels, **scale, "backbone": rows, **more}


# `Flatten` first raises IndexError, an Identity before it helps; images have 1 channel for it.
MLP = config(
    1,
    [
        [-1, 1, "Identity", []],
        [-1, 1, "Flatten", []],
        [-1, 1, "Linear", [512, "ReLU"]],
        [-1, 1, "Linear", [512, "ReLU"]],
        [-1, 1, "Linear", [10]],
        [-1, 1, "nn.Softmax", [1]],
    ],
    input_size=[28, 28],
)


def chain(layers: int) -> dict[str, Any]:
    """Its own Linear is one with an activation: half as many rows as layers."""
    return config(WIDTH, [[-1, 1, "Linear", [WIDTH, "ReLU"]] for _ in range(layers // 2)])


def peer(command: str) -> Peer:
    unable = {"shapes": "has no shapes without building"}
    return Peer("kindle", "kindle", _ways(), _attempts(command), unable)


def _ways() -> tuple[Way, ...]:
    values = chain(LAYERS)
    return (
        Way("mlp", "dict, an Identity before Flatten", lambda: lambda: _model(MLP)),
        Way("mlp", "YAML file, an Identity before Flatten", _from_file(MLP)),
        Way("build", "dict, 500 rows of both", lambda: lambda: _model(values)),
        Way("build", "YAML file, 500 rows of both", _from_file(values)),
        Way("forward", "", lambda: with_weights(_model(chain(FORWARD_LAYERS)))),
        Way("check", "verbose (builds too)", lambda: lambda: _model(values, verbose=True)),
    )


def _model(cfg: Any, verbose: bool = False) -> Any:
    return kindle.Model(cfg, verbose=verbose)


def _from_file(values: dict[str, Any]) -> Callable[[], Work]:
    def prepare() -> Work:
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name, "model.yaml")
        path.write_text(yaml.safe_dump(values))

        def run(folder: object = folder) -> Any:  # which keeps the folder
            return _model(str(path))

        return run

    return prepare


def _attempts(command: str) -> dict[str, Attempt | str]:
    strided = [-1, 1, "nn.Conv2d", [3, 3], {"stride": 2, "padding": 1}]
    residual = [[-1, 1, "Identity", []], strided, [[-1, 0], 1, "Add", []]]
    row = "[-1, 1, nn.Linear, [], {out_features: 256, out_features: 1024}]"
    twice = yaml.safe_dump(config(8, [])).replace("backbone: []", f"backbone: [{row}]")
    code = [[-1, 1, "system", [command]]]
    return {
        "in_features": "sizes cannot be written",
        "kernel": _wrong(config(3, [[-1, 1, "nn.Conv2d", [8, 9]]], input_size=[8, 8])),
        "layer": _wrong(config(8, [[-1, 1, "Linera", [4]]])),
        "argument": _wrong(
            config(3, [[-1, 1, "nn.Conv2d", [8, 3], {"strid": 2}]], input_size=[8, 8])
        ),
        "residual": _wrong(config(3, residual, input_size=[8, 8])),
        "symbolic": _wrong(config(3, residual)),
        "ceil": "sizes cannot be written",
        "twice": Attempt(lambda: _from_text(twice)),
        "text": _wrong(config(8, [[-1, 1, "nn.Linear", [4], {"bias": "false"}]])),
        # It looks for `systemGenerator` in os; it would import any module.
        "code": _wrong(config(8, code, custom_module_paths=["os"])),
    }


def _wrong(values: dict[str, Any]) -> Attempt:
    return Attempt(lambda: _model(values))


def _from_text(text: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.yaml")
        path.write_text(text)
        return _model(str(path))
