"""What a strategy's function knows beside the model: the layout, the mesh, and this rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh

from netspec.placement.layout import Layout


@dataclass(frozen=True)
class Context:
    """One process of a distributed model. ``mesh`` is None where there is only one."""

    layout: Layout
    device: torch.device
    mesh: DeviceMesh | None = None

    def axis(self, *names: str) -> DeviceMesh:
        """The part of the mesh with these axes.

        Raises:
            RuntimeError: there is no mesh.
        """
        if self.mesh is None:
            raise RuntimeError("this layout needs torch.distributed, and there is one process")
        return self.mesh[names if len(names) > 1 else names[0]]

    def place(self, axis: str) -> int:
        """Where this rank is on an axis."""
        return 0 if self.mesh is None else self.mesh.get_local_rank(axis)

    @staticmethod
    def here(model: nn.Module, paths: Iterable[str]) -> list[str]:
        """Those of some paths that this rank has: under a pipeline it has a part of the model."""
        found = []
        for path in paths:
            try:
                model.get_submodule(path)
            except AttributeError:
                continue
            found.append(path)
        return found
