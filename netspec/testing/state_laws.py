"""The law of a layer's state: all of it moves with the module and follows from the seed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from netspec.diagnostics import SpecError, listed
from netspec.registry import Registry
from netspec.testing.broken import LawBroken, class_of
from netspec.testing.cases import Case
from netspec.testing.laws import is_cheap
from netspec.testing.observation import made

_EMPTY = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"})


def keeps_its_state(case: Case, registry: Registry) -> bool:
    """Every tensor is a parameter or a buffer, and every parameter has a value from the seed.

    Returns whether there was a module to look at.

    Raises:
        LawBroken: one of them is not.
    """
    planned = case.plan(registry)
    if isinstance(planned, SpecError) or not is_cheap(case):
        return False
    arguments = planned.layers[0].application.written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            one, other = (_filled(case, arguments, value) for value in (0.0, 1.0))
        except Exception:  # the law of the plan reports it
            return False
    plain = [*_plain_tensors(one)]
    if plain:
        raise LawBroken(
            f"{listed(plain, 'and')} of the module: a plain tensor that stays behind in "
            f"`.to(device)` and `.to(torch.bfloat16)`",
            case,
            f"{class_of(case.layer)}: self.register_buffer(name, tensor, persistent=False)",
        )
    again = dict(other.named_parameters())
    unfilled = [name for name, value in one.named_parameters() if not _same(value, again[name])]
    if unfilled:
        raise LawBroken(
            f"{listed(unfilled, 'and')} of two modules differ under the same seed",
            case,
            f"{class_of(case.layer)}: fill every parameter in __init__, by torch.nn.init or "
            f"torch.zeros: torch.empty leaves what was in memory",
        )
    return True


class _Fill(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Write a number into each new tensor that torch leaves uninitialised."""

    def __init__(self, value: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.value = value

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in _EMPTY and made.is_floating_point():
            made.fill_(self.value)
        return made


def _filled(case: Case, arguments: Mapping[str, Any], value: float) -> nn.Module:
    """The module under seed 0, with a number in all memory that its class does not write."""
    torch.default_generator.manual_seed(0)
    with _Fill(value):
        return made(case.layer, arguments, "cpu")


def _plain_tensors(module: nn.Module) -> Iterator[str]:
    """Names of attributes that are tensors, but neither parameters nor buffers."""
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, Tensor):
                yield f"{path}.{name}" if path else name


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.nan_to_num(), other.nan_to_num())
