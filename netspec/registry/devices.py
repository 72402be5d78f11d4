"""Which words name a device, without torch: torch's own types, and the words of plugins."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from netspec.declaration import Refusal
from netspec.diagnostics import Fix, Instead, suggestion
from netspec.diagnostics.failure import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from netspec.registry.registry import Registry

AUTO = "auto"
#: The types that ``torch.device`` knows.
TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia",
    "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
_WORD = re.compile(r"([a-z]+)(:(0|[1-9][0-9]{0,2}))?\Z", re.ASCII)
_MOST = 127  # an index is an int8
#: What people say for a type of torch.
_ALIASES = {"gpu": "cuda", "nvidia": "cuda", "rocm": "cuda", "amd": "cuda", "apple": "mps"}
_USUAL = ("cpu", "cuda", "mps", "xpu", "meta", AUTO)


def is_torchs(word: str) -> bool:
    """Whether ``torch.device`` takes the word, be the device there or not."""
    parts = _WORD.match(word)
    return parts is not None and parts[1] in TYPES and int(parts[3] or 0) <= _MOST


def is_device(word: str, registry: Registry) -> bool:
    """Whether a word is ``auto``, one of torch's, or one that a plugin knows.

    Only for a word that is not torch's a plugin is asked.
    """
    if word == AUTO or is_torchs(word):
        return True
    if not registry.is_extended("netspec_resolve_device"):
        return False
    try:
        return is_torchs(registry.first("netspec_resolve_device", no_text, request=word))
    except Refusal:  # it is a plugin's word, of a device that is not there now
        return True


def no_text(answer: object) -> str:
    """What is wrong with a plugin's answer."""
    return "" if isinstance(answer, str) else f"it gives {shown(answer)}, not the name of a device"


def message(word: str) -> str:
    return f"{word[:60]!r} is not the name of a device"


def advice(word: str) -> Callable[[], str | Instead | Fix]:
    """What to write instead."""
    kind, colon, index = word.partition(":")
    number = f":{index}" if index.isdecimal() and int(index[:9]) <= _MOST else ""
    if kind.lower() in _ALIASES:
        torchs = f"{_ALIASES[kind.lower()]}{number}"
        return partial(Instead, f"torch's name of it is {torchs}", torchs, False)
    otherwise = "write for example `cpu`, `cuda`, `cuda:1` or `auto`"
    return suggestion(
        word, [name + number for name in _USUAL if name != AUTO or not colon], otherwise
    )
