"""What a strategy's function knows beside the model: the layout, the mesh, and this rank."""

from __future__ import annotations

from dataclasses import dataclass

import torch
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
