"""Ten wrong specs, and what comes of each where it is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn


class Mistake(NamedTuple):
    """``what`` is wrong; ``input`` reaches the model; ``found`` says what an accepted one is."""

    what: str
    input: tuple[int, ...]
    found: Callable[[Any, Any], str]


def _shape(model: Any, output: Any) -> str:
    return f"gives {list(output.shape)}"


def _dropped(model: Any, output: Any) -> str:
    return f"{_shape(model, output)}: what was written was dropped without a word"


def _bias(model: Any, output: Any) -> str:
    has = any(value.ndim == 1 for value in model.parameters())
    return f"makes a model {'with' if has else 'without'} a bias"


MISTAKES: Mapping[str, Mistake] = {
    "in_features": Mistake(
        "`in_features: 128` is written where 784 values arrive", (2, 28, 28), _shape
    ),
    "kernel": Mistake("a kernel of 9 x 9 on an image of 8 x 8", (2, 3, 8, 8), _shape),
    "layer": Mistake("a mistyped layer: `Linera`", (2, 8), _shape),
    "argument": Mistake("a mistyped argument: `strid: 2` of a conv2d", (2, 3, 8, 8), _dropped),
    "residual": Mistake(
        "a residual: an 8 x 8 image plus its convolution of stride 2", (2, 3, 8, 8), _shape
    ),
    "symbolic": Mistake("the same where height and width are left open", (2, 3, 8, 8), _shape),
    "ceil": Mistake(
        "max_pool of 2 with `ceil_mode` on 9 x 9, then `in_features: 16`: torch gives 5 x 5 = 25",
        (2, 1, 9, 9),
        _shape,
    ),
    "twice": Mistake("a key given twice: 256 outputs, then 1024", (2, 8), _dropped),
    "text": Mistake("a text for a truth value: `bias: 'false'`", (2, 8), _bias),
    "code": Mistake("a file that names `os.system` and a command", (2, 8), _shape),
}


class Residual(nn.Module):
    """What a hand-written module has in the place of a spec's residual."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = x + self.body(x)
        return result


def strided() -> nn.Module:
    return nn.Conv2d(3, 3, 3, stride=2, padding=1)
