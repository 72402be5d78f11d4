"""Where layers go, and in which memory format."""

from __future__ import annotations

import os

import torch
from torch import nn

CHANNELS_LAST = "NETSPEC_CHANNELS_LAST"


def emptiest() -> str:
    """The cuda device with most free memory, or the cpu."""
    if not torch.cuda.is_available():
        return "cpu"
    free = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
    return f"cuda:{free.index(max(free))}"


def placed_channels_last(module: nn.Module, device: str) -> nn.Module | None:
    """A 2d convolution on its device in the memory format that tensor cores like best.

    None for all else, and where ``NETSPEC_CHANNELS_LAST`` is not 1.
    https://docs.pytorch.org/tutorials/intermediate/memory_format_tutorial.html
    """
    if not isinstance(module, nn.Conv2d) or os.environ.get(CHANNELS_LAST) != "1":
        return None
    return module.to(torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
