"""What netspec loads. Nothing here imports torch before it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.plugin import Command, Exporter, InitialiserType, Strategy, hookimpl
from netspec_tools.initialisers import depth_scaled_normal
from netspec_tools.strategies import frozen

if TYPE_CHECKING:
    from torch import nn

BLOCKS = Path(__file__).parent / "blocks"


@hookimpl
def netspec_blocks() -> Sequence[Path]:
    """``mlp_block`` and ``norm_mlp``."""
    return [BLOCKS / "mlp.yaml"]


@hookimpl
def netspec_initialisers() -> Sequence[InitialiserType]:
    """``depth_scaled_normal``."""
    return [depth_scaled_normal]


@hookimpl
def netspec_strategies() -> Sequence[Strategy]:
    """``frozen``."""
    return [frozen]


@hookimpl
def netspec_resolve_device(request: str) -> str | None:
    """``emptiest`` is the cuda device with most free memory, or the cpu."""
    if request != "emptiest":
        return None
    from netspec_tools.devices import emptiest

    return emptiest()


@hookimpl
def netspec_place(module: nn.Module, path: str, device: str) -> nn.Module | None:
    """Convolutions go to their device as ``channels_last``, where the environment asks for it."""
    from netspec_tools.devices import placed_channels_last

    return placed_channels_last(module, device)


@hookimpl
def netspec_built(model: nn.Module, weights: str) -> None:
    """Warns of weights that are not finite."""
    if weights == "none":  # memory as it was: anything may stand there
        return
    from netspec_tools.weights import warn_of_not_finite

    warn_of_not_finite(model)


@hookimpl
def netspec_exporters() -> Sequence[Exporter]:
    """Mermaid's diagrams, and programs of ``torch.export``."""
    return [
        Exporter(
            "mermaid", ".mmd", "netspec_tools.mermaid.write", "plan", "a diagram of the layers"
        ),
        Exporter(
            "torch_export",
            ".pt2",
            "netspec_tools.programs.write",
            "model",
            "a program that torch.export.load reads",
        ),
    ]


@hookimpl
def netspec_commands() -> Sequence[Command]:
    """``netspec diff``."""
    from netspec_tools.diff import add_arguments, run

    return [
        Command(
            "diff",
            "compare the layers of two specs",
            add_arguments,
            run,
            "netspec diff old.yaml new.yaml",
        )
    ]
