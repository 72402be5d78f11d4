"""The hooks that a plugin may implement, each marked with ``@netspec.plugin.hookimpl``.

A plugin is a module (or any object) with such functions. A package names its plugin in the
entry-point group ``netspec``; see ``plugins/`` in netspec's repository for a complete one.

A hook that raises, or gives what it should not, is a mistake: its plugin is disabled with a
message, and the next is asked. One that means to refuse raises ``netspec.plugin.Refusal``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from torch import nn

    from netspec.declaration import LayerType
    from netspec.placement.strategy import Strategy

hookspec = pluggy.HookspecMarker("netspec")
hookimpl = pluggy.HookimplMarker("netspec")


@hookspec
def netspec_layers() -> Sequence[LayerType]:  # type: ignore[empty-body]
    """Layers that specs can use. The declarations and their rules must not import torch."""


@hookspec
def netspec_strategies() -> Sequence[Strategy]:  # type: ignore[empty-body]
    """Strategies that placement documents can use. Their rules must not import torch."""


@hookspec(firstresult=True)
def netspec_resolve_device(request: str) -> str | None:
    """The device that a word stands for: ``auto``, or a word of the plugin's own.

    Gives a name that ``torch.device`` takes (``cuda:1``), or None to leave the word to the next
    plugin; netspec's own comes last, with the accelerator or the cpu for ``auto`` and every
    other word as it is. Called before any weight is made, once for each different word.
    """


@hookspec(firstresult=True)
def netspec_place(module: nn.Module, path: str, device: str) -> nn.Module | None:
    """Puts one layer on its device, after all layers were made.

    Called for every layer in the order of the model; ``path`` is the prefix of its state_dict
    keys. Gives the module that takes its place (the same one, as a rule), or None to leave the
    work to the next plugin; netspec's own comes last and calls ``module.to(device)``.
    """
