"""The Layout: a plan with what each layer gets, before any process starts. Frozen values."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from netspec.declaration import Refusal
from netspec.diagnostics import Span, did_you_mean, listed, nearest
from netspec.patterns import matches
from netspec.planning import Plan, PlannedLayer, PlannedScope
from netspec.spec import Origin

SHOWN = 6  # names in one message


class Place(NamedTuple):
    """A place of the spec that is no module: a merge of values, under its word."""

    path: str
    origin: Origin


class Misplaced(Refusal):
    """A strategy cannot be applied to these layers of the spec, whose places are shown."""

    def __init__(
        self,
        message: str,
        *layers: PlannedLayer | PlannedScope | Place,
        argument: str | None = None,
        help: str = "",
    ) -> None:
        super().__init__(message, argument=argument, help=help)
        self.layers = layers


class Mesh(NamedTuple):
    """The axes of ranks, the outermost first, as ``torch.distributed.device_mesh`` has them."""

    axes: Mapping[str, int] = {}

    @property
    def ranks(self) -> int:
        return math.prod(self.axes.values())

    def place(self, rank: int, axis: str) -> int:
        """Where a rank is on an axis."""
        names = list(self.axes)
        inner = math.prod([self.axes[name] for name in names[names.index(axis) + 1 :]])
        return rank // inner % self.axes[axis]


class Shard(NamedTuple):
    """A dim of a parameter that is split over an axis of the mesh, as ``Shard(dim)`` of DTensor."""

    axis: str
    dim: int


class Placed(NamedTuple):
    """What one layer gets.

    ``shards`` are by the parameter's name in the layer (``weight``), in the order in which they
    split it. ``device`` and ``dtype`` None are the model's. ``stage`` counts from 0.
    ``is_recomputed`` says that what it saves for backward is computed again instead. ``kept_on`` is
    where the weights wait (``cpu``, ``disk``) that are on the device for a call alone.
    ``casts_inputs`` says that what it gets is cast to its own dtype.
    """

    device: str | None = None
    dtype: str | None = None
    stage: int = 0
    shards: Mapping[str, tuple[Shard, ...]] = {}
    is_recomputed: bool = False
    kept_on: str | None = None
    casts_inputs: bool = False


UNPLACED = Placed()


class Action(NamedTuple):
    """What is done to the modules: the dotted path of a function, and what it gets.

    ``span`` is where the strategy is written, which ``lay_out`` fills in.
    """

    word: str
    target: str
    settings: Mapping[str, Any]
    span: Span | None = None


@dataclass(frozen=True)
class Layout:
    """A plan, the mesh, and what each layer gets, by its path; ``actions`` are in their order.

    ``notes`` are what strategies tell of their choices. ``axes`` are those of the mesh that a
    strategy is over, with its word; ``batch_axes`` those of them whose ranks compute different
    parts of a batch.
    """

    plan: Plan = field(repr=False)
    mesh: Mesh
    layers: Mapping[str, Placed] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()
    axes: Mapping[str, str] = field(default_factory=dict)
    batch_axes: tuple[str, ...] = ()

    def placed(self, path: str) -> Placed:
        return self.layers.get(path, UNPLACED)

    def modules(self) -> dict[str, PlannedLayer | PlannedScope]:
        """All modules but the root, by path, in the order of the model."""
        found: dict[str, PlannedLayer | PlannedScope] = {}
        waiting: list[PlannedLayer | PlannedScope] = [*reversed(self.plan.root.children)]
        while waiting:
            child = waiting.pop()
            found[child.path] = child
            if isinstance(child, PlannedScope):
                waiting.extend(reversed(child.children))
        return found

    def match(
        self, pattern: str, argument: str | None = None
    ) -> dict[str, PlannedLayer | PlannedScope]:
        """The modules whose paths a pattern is like, in the order of the model.

        Raises:
            Refusal: there are none.
        """
        modules = self.modules()
        found = {path: module for path, module in modules.items() if matches(pattern, path)}
        if not found:
            names = list(modules)[:SHOWN]
            more = ", ..." if len(modules) > SHOWN else ""
            near = _near_pattern(pattern, modules)
            layers = f"the layers are {', '.join(names)}{more}"
            raise Refusal(
                f"the pattern {pattern!r} matches no layer",
                argument=argument,
                help=f"did you mean {near}?" if near else layers,
                instead=near,
                word=pattern,
            )
        return found

    def match_all(self, patterns: Iterable[str], argument: str) -> tuple[str, ...]:
        """The paths that several patterns are like, each once, in the order of the model.

        Raises:
            Refusal: a pattern is like none.
        """
        found = {path for pattern in patterns for path in self.match(pattern, argument)}
        return tuple([path for path in self.modules() if path in found])

    def rows(self, path: str) -> list[PlannedLayer]:
        """The layers in a module, or the one that it is."""
        return [
            row
            for row in self.plan.layers
            if not row.is_reused and (row.path == path or row.path.startswith(f"{path}."))
        ]

    def owner(self, key: str) -> PlannedLayer | None:
        """The layer that a key of ``state_dict`` is in; None for a container's own parameter."""
        return next(
            (row for row in self.plan.layers if key.startswith(f"{row.path}.")),
            None,
        )

    def axis(self, axis: str, strategy: str) -> int:
        """The number of ranks on an axis.

        Raises:
            Refusal: the mesh has no such axis.
        """
        if axis not in self.mesh.axes:
            have = listed(list(self.mesh.axes)) if self.mesh.axes else "no axes"
            raise Refusal(
                f"{strategy} is over the axis {axis!r} of the mesh, which has {have}",
                argument="axis",
                help=did_you_mean(axis, self.mesh.axes) or f"write `mesh: {{{axis}: 2}}`",
            )
        return self.mesh.axes[axis]

    def using(
        self, axis: str, strategy: str, argument: str = "axis", *, splits_batch: bool = False
    ) -> Layout:
        """The layout with an axis that belongs to a strategy.

        Args:
            splits_batch: whether the ranks of the axis compute different parts of a batch.

        Raises:
            Refusal: the mesh has no such axis, or another strategy has it.
        """
        self.axis(axis, strategy)
        other = self.axes.get(axis)
        if other is not None:
            raise Refusal(
                f"the axis {axis!r} is that of {other} already",
                argument=argument,
                help=f"remove one of the two, or give {strategy} an axis of its own",
            )
        batch_axes = (*self.batch_axes, axis) if splits_batch else self.batch_axes
        return replace(self, axes={**self.axes, axis: strategy}, batch_axes=batch_axes)

    def changed(self, changes: Mapping[str, Placed]) -> Layout:
        """The layout with other layers."""
        return replace(self, layers={**self.layers, **changes})

    def then(self, action: Action) -> Layout:
        """The layout with one more action."""
        return replace(self, actions=(*self.actions, action))

    def noted(self, *notes: str) -> Layout:
        """The layout with more to tell."""
        return replace(self, notes=(*self.notes, *notes))


def _near_pattern(pattern: str, modules: Collection[str]) -> str | None:
    """The pattern with another first name, where it matches modules then; or the nearest path."""
    first, dot, rest = pattern.partition(".")
    near = nearest(first, {path.partition(".")[0] for path in modules})
    if near is not None and any(matches(f"{near}{dot}{rest}", path) for path in modules):
        return f"{near}{dot}{rest}"
    return nearest(pattern, modules)
