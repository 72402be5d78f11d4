"""Where a layer's fresh weights come from: a stream of numbers, or none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from typing import Any, Literal

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from netspec.threads import is_alone

SeedBy = Literal["order", "path"]


#: Begins the stream of one layer or parameter, by its path.
Begin = Callable[[str], object]


@contextmanager
def seeded(seed: int | None, seed_by: SeedBy = "order") -> Iterator[Begin]:
    """Draw random numbers from a stream that begins with ``seed``, whatever other threads draw.

    The numbers are those that follow ``torch.manual_seed(seed)``; the generators of the process
    are left as they were. Without a seed those are drawn from.

    Yields:
        The function to call before each layer is made. With ``seed_by="path"`` it begins a stream
        that no other layer changes.
    """
    if seed is None:
        yield _nothing_begins
        return
    if is_alone():
        # Nobody else draws: a mode would make a build of many small layers half as fast again.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield _begin(seed, seed_by, torch.default_generator.manual_seed)
        return
    with _OwnStream(seed) as stream:
        yield _begin(seed, seed_by, stream.begin)


def _begin(seed: int, seed_by: SeedBy, begin: Callable[[int], object]) -> Begin:
    if seed_by == "order":
        return _nothing_begins

    def of_path(path: str) -> None:
        digest = blake2b(f"{seed}:{path}".encode(), digest_size=8).digest()
        begin(int.from_bytes(digest, "little"))

    return of_path


def _nothing_begins(path: str) -> None:
    """All layers draw from one stream."""


class _OwnStream(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """What this thread draws comes from generators of its own, one for each device.

    Modes are kept for each thread. This one sees every operation of ATen, so that it need not know
    which functions of torch draw.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.begin(seed)

    def begin(self, seed: int) -> None:
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(
        self,
        function: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in function.tags and not given.get("generator"):
            device = _device_of(args, given)
            if device.type != "meta":
                return self._drawn(function, args, given, device)
        return function(*args, **given)

    def _drawn(
        self, function: Any, args: tuple[Any, ...], given: dict[str, Any], device: torch.device
    ) -> Any:
        generator = self.generators.get(device)
        if generator is None:
            generator = torch.Generator(device).manual_seed(self.seed)
            self.generators[device] = generator
        overload = _with_generator(function)
        if overload is None:
            raise NotImplementedError(
                f"{function} cannot draw from a generator of its own: build with a seed while no "
                "other thread runs, or give this operation a `generator`"
            )
        return overload(*args, **given, generator=generator)


def _device_of(args: tuple[Any, ...], given: Mapping[str, Any]) -> torch.device:
    """The device that an operation draws on: of its tensor, or the one that is asked for."""
    tensor = next((one for one in args if isinstance(one, Tensor)), None)
    device = tensor.device if tensor is not None else given.get("device")
    return torch.device(device or "cpu")


@cache
def _with_generator(function: Any) -> Any:
    """The overload of an operation that takes the same arguments and a generator."""
    packet = function.overloadpacket
    wanted = {one.name for one in function._schema.arguments} | {"generator"}
    for name in (function._overloadname, *packet.overloads()):
        overload = getattr(packet, name)
        if {one.name for one in overload._schema.arguments} == wanted:
            return overload
    return None


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
