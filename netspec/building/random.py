"""Where a layer's fresh weights come from: a stream of numbers, or none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

SeedBy = Literal["order", "path"]


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """The cpu's generator begins with ``seed``, and is as it was afterwards; None is no seed."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def begin_layer(seed: int, path: str) -> None:
    """The stream of one layer, which no other layer changes."""
    digest = blake2b(f"{seed}:{path}".encode(), digest_size=8).digest()
    torch.default_generator.manual_seed(int.from_bytes(digest, "little"))


_DRAWING = frozenset(
    getattr(Tensor, name)
    for name in (
        "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_",
        "uniform_",
    )
)  # fmt: skip
#: Those of torch.nn.init that can be overridden, as the tensor's methods can.
_INITIALISING = frozenset(
    (torch.nn.init.uniform_, torch.nn.init.normal_, torch.nn.init.kaiming_uniform_)
)


class WithoutRandomNumbers(TorchFunctionMode):
    """Tensors that would be filled with random numbers are left as their memory is.

    Constants (the ones of a norm, the zeros of a bias) and computed buffers are filled as ever.
    https://docs.pytorch.org/docs/stable/torch.overrides.html#torch.overrides.TorchFunctionMode
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in _DRAWING:
            return args[0]
        if function in _INITIALISING:
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))
