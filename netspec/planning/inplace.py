"""In-place layers that overwrite what another step saved for its backward pass.

Autograd then raises "one of the variables needed for gradient computation has been modified by an
inplace operation", in the first training step and not before.
https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netspec.graph import Node
from netspec.planning.costs import SavedTensors, Storage
from netspec.planning.plan import Plan, PlannedLayer, planned_layer


class Overwritten(NamedTuple):
    """``layer`` works in place on what ``saver`` (a layer's type, or an operator) has saved."""

    layer: PlannedLayer
    saver: str
    #: Whether torch refuses already the forward pass.
    is_refused: bool = False


def overwritten(plan: Plan) -> list[Overwritten]:
    """The in-place layers of a plan with which no training step succeeds."""
    if not any(one.overwrites_input for one in plan.graph.applications()):
        return []
    walk = _Versions()
    walk.run(plan.graph, [Storage(given.type, False) for given in plan.inputs])
    return walk.found


class _Versions(SavedTensors):
    """Follows which storages are saved, and are not written to after that."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Overwritten] = []
        self._savers: dict[int, str] = {}
        self._views: dict[int, str] = {}  # of which torch lets nobody write to one
        self._alive: list[Storage] = []  # keeps the storages whose ids are keys
        self._saving: list[Storage] = []

    def call_layer(self, node: Node, given: list[Storage]) -> list[Storage]:
        application = node.application
        if application.overwrites_input:
            self._write(planned_layer(self.prefix, node, self.origin, self.is_again), given[0])
        outputs = self.layer(application, given)
        self._save(application.type.name)
        return outputs

    def _write(self, layer: PlannedLayer, storage: Storage) -> None:
        saver = self._savers.pop(id(storage), None)
        view = self._views.get(id(storage))
        if view is not None and storage.requires_grad:
            self.found.append(Overwritten(layer, view, is_refused=True))
        elif saver is not None:
            self.found.append(Overwritten(layer, saver))

    def _save(self, saver: str) -> None:
        for storage in self._saving:
            self._savers[id(storage)] = saver
        self._alive += self._saving
        self._saving = []

    def call_function(self, node: Node, given: list[Storage]) -> list[Storage]:
        outputs = super().call_function(node, given)
        self._save(node.name)
        if node.operation.operator.call == "cut":
            self._view(outputs, node.name)
        return outputs

    def get_parameter(self, node: Node) -> Storage:
        output = super().get_parameter(node)
        self._view([output], "parameter")
        return output

    def _view(self, storages: list[Storage], kind: str) -> None:
        self._alive += storages
        self._views.update(dict.fromkeys(map(id, storages), kind))

    def counted(self, storages: Sequence[Storage]) -> tuple[int, ...]:
        self._saving += storages
        return ()
