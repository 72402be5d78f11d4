"""In-place layers that overwrite what another step saved for its backward pass.

Autograd then raises "one of the variables needed for gradient computation has been modified by an
inplace operation", in the first training step and not before.
https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netspec.planning.costs import Storage, Walk
from netspec.planning.plan import Plan, PlannedChild, PlannedLayer, PlannedScope, Step


class Overwritten(NamedTuple):
    """``layer`` works in place on what ``saver`` (a layer's type, or an operator) has saved."""

    layer: PlannedLayer
    saver: str
    #: Whether torch refuses already the forward pass.
    is_refused: bool = False


def overwritten(plan: Plan) -> list[Overwritten]:
    """The in-place layers of a plan with which no training step succeeds."""
    if not any(layer.application.overwrites_input for layer in plan.layers):
        return []
    walk = _Versions()
    walk.scope(plan.root, [Storage(given.type, False) for given in plan.inputs])
    return walk.found


class _Versions(Walk):
    """Follows which storages are saved, and are not written to after that."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Overwritten] = []
        self._savers: dict[int, str] = {}
        self._views: dict[int, str] = {}  # of which torch lets nobody write to one
        self._alive: list[Storage] = []  # keeps the storages whose ids are keys
        self._saving: list[Storage] = []

    def call(self, child: PlannedChild, given: list[Storage]) -> list[Storage]:
        if isinstance(child, PlannedScope):
            return self.scope(child, given)
        application = child.application
        if application.overwrites_input:
            self._write(child, given[0])
        outputs = self.layer(application, given)
        self._save(child.type)
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

    def merge(self, step: Step, given: list[Storage]) -> list[Storage]:
        outputs = super().merge(step, given)
        self._save(step.kind)
        if step.operator is None or step.operator.call == "cut":
            self._alive += outputs
            self._views.update(dict.fromkeys(map(id, outputs), step.kind))
        return outputs

    def counted(self, storages: Sequence[Storage]) -> tuple[int, ...]:
        self._saving += storages
        return ()
