"""torchinfo: summaries of modules that were written by hand; it has no specs."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from torch import nn

from bench.measure import Work
from bench.peers.mistakes import MISTAKES, Residual, strided
from bench.peers.peer import Attempt, Peer, Way
from bench.peers.rows import LAYERS, WIDTH, chain

torchinfo = importlib.import_module("torchinfo")


def peer(command: str) -> Peer:
    none = "builds nothing: it reads modules"
    unable = {"mlp": none, "build": none, "forward": none, "shapes": "has no shapes without a run"}
    ways = (Way("check", "summary of the built module", _summary),)
    return Peer("torchinfo", "torchinfo", ways, _attempts(), unable)


def _summary() -> Work:
    model = chain(LAYERS)
    return lambda: torchinfo.summary(model, input_size=(1, WIDTH), verbose=0)


def _attempts() -> dict[str, Attempt | str]:
    none = "has no specs: Python itself refuses it"
    pooled = (nn.MaxPool2d(2, ceil_mode=True), nn.Flatten(), nn.Linear(16, 10))
    return {
        "in_features": _wrong(
            "in_features", lambda: nn.Sequential(nn.Flatten(), nn.Linear(128, 10))
        ),
        "kernel": _wrong("kernel", lambda: nn.Conv2d(3, 8, 9)),
        "layer": none,
        "argument": none,
        "residual": _wrong("residual", lambda: Residual(strided())),
        "symbolic": "has no open sizes",
        "ceil": _wrong("ceil", lambda: nn.Sequential(*pooled)),
        "twice": none,
        "text": _wrong("text", lambda: nn.Linear(8, 4, bias="false")),  # type: ignore[arg-type]
        "code": "has no specs",
    }


def _wrong(mistake: str, make: Callable[[], nn.Module]) -> Attempt:
    """The summary is of a module that is there; it runs it."""

    def build() -> nn.Module:
        model = make()
        torchinfo.summary(model, input_size=MISTAKES[mistake].input, verbose=0)
        return model

    return Attempt(build)
