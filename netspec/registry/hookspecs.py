"""The hooks that a plugin may implement, each marked with ``@netspec.plugin.hookimpl``.

A plugin is a module (or any object) with such functions. A package names its plugin in the
entry-point group ``netspec``; see ``plugins/`` in netspec's repository for a complete one.

A hook that raises, or gives what it should not, is a mistake: its plugin is disabled
with a message, and all else goes on. One that means to refuse raises ``netspec.plugin.Refusal``.
``docs/hooks.md`` has an example of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import os
    from importlib.resources.abc import Traversable

    from torch import nn

    from netspec.declaration import Command, Exporter, Finding, InitialiserType, LayerType
    from netspec.placement.strategy import Strategy
    from netspec.planning import Plan

    BlockFile = os.PathLike[str] | Traversable | tuple[str, str]

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
    other word as it is. Called before any weight is made, once for each different word, and by a
    check for words that ``torch.device`` does not take.
    """


@hookspec(firstresult=True)
def netspec_place(module: nn.Module, path: str, device: str) -> nn.Module | None:
    """Puts one layer on its device, after all layers were made.

    Called for every layer in the order of the model; ``path`` is the prefix of its state_dict
    keys. Gives the module that takes its place (the same one, as a rule), or None to leave the
    work to the next plugin; netspec's own comes last and calls ``module.to(device)``.
    """


@hookspec
def netspec_blocks() -> Sequence[BlockFile]:  # type: ignore[empty-body]
    """Files of blocks that specs can use as they use layers.

    Gives paths, what ``importlib.resources.files`` gives, or pairs of a name and a text. Each is a
    document with ``netspec: 1`` and ``blocks``. A block sees the other blocks of its plugin and all
    layers, and neither params nor blocks of the spec that uses it, but what that gives it.
    """


@hookspec
def netspec_initialisers() -> Sequence[InitialiserType]:  # type: ignore[empty-body]
    """Initialisers that ``init`` can name. Their declarations must not import torch."""


@hookspec
def netspec_built(model: nn.Module, plan: Plan, weights: str) -> None:
    """A look at a model that was just built and placed, by every plugin; gives nothing.

    ``weights`` says what the model holds: ``fresh`` ones, those of a ``file``, or ``none``, where
    memory was left as it was. One that finds the model not fit for use may raise Refusal.
    """


@hookspec
def netspec_lint(plan: Plan) -> Sequence[Finding]:  # type: ignore[empty-body]
    """Findings about a plan without errors; each becomes a warning where its layer is written.

    Called for each plan of a check. A package has to list it in ``netspec.hooks``: a check
    imports no plugin that does not.
    """


@hookspec
def netspec_exporters() -> Sequence[Exporter]:  # type: ignore[empty-body]
    """Formats that ``netspec export`` can write."""


@hookspec
def netspec_commands() -> Sequence[Command]:  # type: ignore[empty-body]
    """Subcommands of ``netspec``. A package has to list them in ``netspec.commands``."""
