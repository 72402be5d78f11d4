"""hydra: `_target_` names what is called; it knows nothing of layers."""

from __future__ import annotations

import importlib
from typing import Any

import yaml

from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import FORWARD_LAYERS, LAYERS, WIDTH, with_weights

hydra_utils = importlib.import_module("hydra.utils")
omegaconf = importlib.import_module("omegaconf")

Item = dict[str, Any]


def nn(name: str, **arguments: object) -> Item:
    return {"_target_": f"torch.nn.{name}", **arguments}


def sequential(*layers: Item) -> Item:
    return nn("Sequential", _args_=list(layers))


def linear(inputs: int, outputs: int, **more: object) -> Item:
    return nn("Linear", in_features=inputs, out_features=outputs, **more)


MLP = sequential(
    nn("Flatten"),
    *(linear(784, 512), nn("ReLU"), linear(512, 512), nn("ReLU"), linear(512, 10)),
    nn("Softmax", dim=1),
)


def chain(layers: int) -> Item:
    return sequential(*([linear(WIDTH, WIDTH), nn("ReLU")] * (layers // 2)))


def peer(command: str) -> Peer:
    none = "has no check and no shapes"
    unable = {"check": none, "shapes": none}
    return Peer("hydra", "hydra-core", _ways(), _attempts(command), unable)


def _ways() -> tuple[Way, ...]:
    values, mlp_text = chain(LAYERS), yaml.safe_dump(MLP)
    text = yaml.dump(values, Dumper=_WithoutAnchors)
    return (
        Way("mlp", "dict", lambda: lambda: _model(MLP)),
        Way("mlp", "YAML text", lambda: lambda: _from_text(mlp_text)),
        Way("build", "dict", lambda: lambda: _model(values)),
        Way("build", "YAML text", lambda: lambda: _from_text(text)),
        Way("forward", "", lambda: with_weights(_model(chain(FORWARD_LAYERS)))),
    )


class _WithoutAnchors(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _model(values: Item) -> Any:
    return hydra_utils.instantiate(values)


def _from_text(text: str) -> Any:
    return hydra_utils.instantiate(omegaconf.OmegaConf.create(text))


def _attempts(command: str) -> dict[str, Attempt | str]:
    convolution = {"in_channels": 3, "out_channels": 8}
    pool = nn("MaxPool2d", kernel_size=2, ceil_mode=True)
    twice = "_target_: torch.nn.Linear\nin_features: 8\nout_features: 256\nout_features: 1024\n"
    return {
        "in_features": _wrong(sequential(nn("Flatten"), linear(128, 10))),
        "kernel": _wrong(sequential(nn("Conv2d", **convolution, kernel_size=9))),
        "layer": _wrong(sequential(nn("Linera", in_features=8, out_features=4))),
        "argument": _wrong(sequential(nn("Conv2d", **convolution, kernel_size=3, strid=2))),
        "residual": "a residual needs a module of one's own",
        "symbolic": "a residual needs a module of one's own",
        "ceil": _wrong(sequential(pool, nn("Flatten"), linear(16, 10))),
        "twice": Attempt(lambda: _from_text(twice)),
        "text": _wrong(linear(8, 4, bias="false")),
        "code": _wrong({"_target_": "os.system", "command": command}),
    }


def _wrong(values: Item) -> Attempt:
    return Attempt(lambda: _model(values))
