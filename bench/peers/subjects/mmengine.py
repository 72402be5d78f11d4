"""MMEngine: registries that build dicts with a `type`."""

from __future__ import annotations

import importlib
from typing import Any

import yaml

from bench.measure import Work
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights

registry = importlib.import_module("mmengine.registry")
config = importlib.import_module("mmengine.config")
analysis = importlib.import_module("mmengine.analysis")

Item = dict[str, Any]


def nn(name: str, **arguments: object) -> Item:
    return {"type": f"torch.nn.{name}", **arguments}


def linear(inputs: int, outputs: int, **more: object) -> Item:
    return nn("Linear", in_features=inputs, out_features=outputs, **more)


MLP = [
    nn("Flatten"),
    *(linear(784, 512), nn("ReLU"), linear(512, 512), nn("ReLU"), linear(512, 10)),
    nn("Softmax", dim=1),
]


def chain(layers: int) -> list[Item]:
    return [linear(WIDTH, WIDTH), nn("ReLU")] * (layers // 2)


def peer(command: str) -> Peer:
    unable = {"shapes": "has no shapes without a run"}
    return Peer("MMEngine", "mmengine", _ways(), _attempts(command), unable)


def _ways() -> tuple[Way, ...]:
    values = chain(LAYERS)
    text, mlp_text = _text(values), _text(MLP)
    return (
        Way("mlp", "list of dicts", lambda: lambda: _model(MLP)),
        Way("mlp", "YAML text", lambda: lambda: _model(_read(mlp_text))),
        Way("build", "list of dicts", lambda: lambda: _model(values)),
        Way("build", "YAML text", lambda: lambda: _model(_read(text))),
        Way("forward", "", lambda: with_weights(_model(chain(FORWARD_LAYERS)))),
        Way("check", "get_model_complexity_info of the module", _complexity),
    )


def _model(values: Any) -> Any:
    return registry.MODELS.build(values)


def _complexity() -> Work:
    model = _model(chain(LAYERS))
    return lambda: analysis.get_model_complexity_info(model, (WIDTH,), show_arch=False)


def _attempts(command: str) -> dict[str, Attempt | str]:
    convolution = {"in_channels": 3, "out_channels": 8}
    pool = nn("MaxPool2d", kernel_size=2, ceil_mode=True)
    twice = "model: {type: torch.nn.Linear, in_features: 8, out_features: 256, out_features: 1024}"
    return {
        "in_features": _wrong([nn("Flatten"), linear(128, 10)]),
        "kernel": _wrong([nn("Conv2d", **convolution, kernel_size=9)]),
        "layer": _wrong([nn("Linera", in_features=8, out_features=4)]),
        "argument": _wrong([nn("Conv2d", **convolution, kernel_size=3, strid=2)]),
        "residual": "a residual needs a module of one's own",
        "symbolic": "a residual needs a module of one's own",
        "ceil": _wrong([pool, nn("Flatten"), linear(16, 10)]),
        "twice": Attempt(lambda: _model(_read(twice))),
        "text": _wrong([linear(8, 4, bias="false")]),
        "code": _wrong([{"type": "os.system", "command": command}]),
    }


def _wrong(values: list[Item]) -> Attempt:
    return Attempt(lambda: _model(values))


def _read(text: str) -> Any:
    return config.Config.fromstring(text, ".yaml").model


def _text(layers: list[Item]) -> str:
    """Its YAML, in which a layer that is the same dict again is written again."""
    return yaml.safe_dump({"model": [dict(layer) for layer in layers]})
