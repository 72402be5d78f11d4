"""A pipeline: ranks have the layers of a chain one after the other, and batches come in parts."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Literal

from netspec.declaration import Range
from netspec.placement.chain import balanced_starts, chain_of, parameter_counts, rows_in
from netspec.placement.layout import Action, Layout, Misplaced, Place, Placed
from netspec.placement.strategy import strategy
from netspec.planning import PlannedLayer, PlannedScope

Schedule = Literal["gpipe", "1f1b", "interleaved"]
Unit = PlannedLayer | PlannedScope


@strategy("netspec.distributed.pipeline.pipeline", order=0, obvious="stages")
def pipeline(
    layout: Layout,
    /,
    *,
    stages: Annotated[int, Range(2)] | None = None,
    axis: str = "pp",
    schedule: Schedule = "1f1b",
    microbatches: Annotated[int, Range(1)] | None = None,
    cut: tuple[str, ...] = (),
) -> Layout:
    """The model's chain is cut into stages, one for each rank of an axis; keys stay.

    ``cut`` are the first layers of the stages but the first; without it the cuts are where
    multiply-adds and weights of the stages are most alike. A batch passes in ``microbatches``
    parts, at first as many as there are stages. ``interleaved`` gives each rank several stages,
    two without ``stages``.

    GPipe: Huang et al. (2018), https://arxiv.org/abs/1811.06965; 1F1B and interleaved: Narayanan
    et al. (2021), https://arxiv.org/abs/2104.04473;
    https://docs.pytorch.org/docs/stable/distributed.pipelining.html
    """
    layout = layout.using(axis, "pipeline")
    ranks = layout.mesh.axes[axis]
    if stages is None:
        stages = len(cut) + 1 if cut else ranks * (2 if schedule == "interleaved" else 1)
    _require_stages(stages, ranks, axis, schedule, "cut" if cut else "stages")
    parts = microbatches or stages
    _require_microbatches(layout, parts, ranks, schedule)
    chain = _chain(layout)
    starts = _written_starts(layout, chain, cut, stages) if cut else ()
    if not cut:
        if len(chain) < stages:
            raise Misplaced(
                f"the model's chain has {len(chain)} layers, too few for {stages} stages",
                argument="stages",
            )
        starts = balanced_starts(layout, chain, stages)
    bounds = (0, *starts, len(chain))
    units = tuple(
        [tuple([unit.path for unit in chain[first:last]]) for first, last in pairwise(bounds)]
    )
    _require_gradients(chain, starts)
    _require_parameters(layout, chain, bounds)
    changes: dict[str, Placed] = {}
    for row, place in rows_in(layout, chain):
        changes[row.path] = layout.placed(row.path)._replace(stage=bisect_right(starts, place))
    layout = layout.changed(changes)
    settings = {"axis": axis, "schedule": schedule, "microbatches": parts, "stages": units}
    return layout.then(Action("pipeline", "netspec.distributed.pipeline.pipeline", settings))


def _require_stages(stages: int, ranks: int, axis: str, schedule: Schedule, argument: str) -> None:
    """
    Raises:
        Misplaced: the stages cannot be given to the ranks.
    """
    if schedule == "interleaved":
        if stages % ranks or stages == ranks:
            raise Misplaced(
                f"interleaved gives each of the {ranks} ranks of {axis!r} as many stages, two or "
                f"more, but there are {stages}",
                argument=argument,
                help=f"write for example `stages: {2 * ranks}`",
            )
    elif stages != ranks:
        raise Misplaced(
            f"there are {stages} stages, but {axis!r} has {ranks} ranks",
            argument=argument,
            help=f"write `mesh: {{{axis}: {stages}}}`, or `schedule: interleaved` for several "
            "stages on each rank",
        )


def _require_microbatches(layout: Layout, parts: int, ranks: int, schedule: Schedule) -> None:
    """
    Raises:
        Misplaced: the schedule cannot do with them, or the batch cannot be split so.
    """
    if schedule == "1f1b" and parts < ranks:
        raise Misplaced(
            f"1f1b needs a microbatch for each stage, but there are {parts} for {ranks}",
            argument="microbatches",
            help=f"write `microbatches: {ranks}` or more, or `schedule: gpipe`",
        )
    rounds = max(1, parts // ranks)
    if schedule == "interleaved" and parts % rounds:
        raise Misplaced(
            f"interleaved computes {parts} microbatches in {rounds} rounds, which are not equal",
            argument="microbatches",
            help=f"write `microbatches: {rounds * ranks}`",
        )
    for given in layout.plan.inputs:
        size = given.type.shape[0] if given.type.shape else 1
        if isinstance(size, int) and size % parts:
            raise Misplaced(
                f"a batch of {size} cannot be split into {parts} equal microbatches",
                argument="microbatches",
            )


def _chain(layout: Layout) -> list[Unit]:
    """
    Raises:
        Misplaced: the model is no chain.
    """
    graph = layout.plan.graph
    if not graph.is_chain:
        merges = [
            Place(node.name, origin)
            for node, origin in zip(graph.nodes, graph.origins, strict=True)
            if not node.is_call
        ]
        what = "values go other ways than from each layer to the next"
        if len(layout.plan.inputs) != 1:
            what = f"it has {len(layout.plan.inputs)} inputs"
        raise Misplaced(
            f"the model cannot be cut into stages: {what}",
            *merges[:1],
            help="put the layers that belong together into containers, so that the model's own "
            "are a chain",
        )
    return chain_of(layout.plan.root)


def _written_starts(
    layout: Layout, chain: list[Unit], cut: tuple[str, ...], stages: int
) -> tuple[int, ...]:
    """
    Raises:
        Misplaced: the cuts are not where stages can begin, or not as many.
    """
    modules = layout.modules()
    places = {unit.path: place for place, unit in enumerate(chain)}
    starts: list[int] = []
    for path in layout.match_all(cut, "cut"):
        place = places.get(path)
        if place is None:  # a container of the chain begins with its first layer
            inside = [places[one] for one in places if one.startswith(f"{path}.")]
            place = min(inside, default=None)
        if place is None:
            outer = next(unit for unit in chain if path.startswith(f"{unit.path}."))
            raise Misplaced(
                f"no stage can begin with `{path}`: it is inside of `{outer.path}`, whose layers "
                "are no chain",
                modules[path],
                outer,
                argument="cut",
                help=f"cut at `{outer.path}`, or at what follows it",
            )
        if place == 0:
            raise Misplaced(
                f"the model begins with `{path}`: the first stage would be empty",
                modules[path],
                argument="cut",
                help="write the first layers of the other stages",
            )
        if place in starts:
            raise Misplaced(
                f"two stages would begin with `{chain[place].path}`", modules[path], argument="cut"
            )
        starts.append(place)
    if len(starts) != stages - 1:
        raise Misplaced(
            f"{len(starts)} cuts make {len(starts) + 1} stages, not {stages}", argument="cut"
        )
    return tuple(sorted(starts))


def _require_parameters(layout: Layout, chain: list[Unit], bounds: tuple[int, ...]) -> None:
    """
    Raises:
        Misplaced: a stage has no parameters: no gradients, and no optimizer, would be on its rank.
    """
    counts = parameter_counts(layout, chain)
    for number, (first, last) in enumerate(pairwise(bounds)):
        if not any(counts[first:last]):
            with_some = sum(count > 0 for count in counts)
            raise Misplaced(
                f"stage {number} of the pipeline, from `{chain[first].path}`, has no parameters to "
                "train",
                chain[first],
                argument="cut" if with_some >= len(bounds) - 1 else None,
                help="cut so that each stage has a layer with weights"
                if with_some >= len(bounds) - 1
                else f"the chain has {with_some} layers with weights: write at most as many stages",
            )


def _require_gradients(chain: list[Unit], starts: tuple[int, ...]) -> None:
    """
    Raises:
        Misplaced: what one stage gives to the next has no gradients.
    """
    for place in starts:
        before = chain[place - 1]
        given = before.outputs[0]
        if not given.is_floating:
            raise Misplaced(
                f"the stages do not meet: `{before.path}` gives {given}, of which no gradients "
                f"come back to the stage before `{chain[place].path}`",
                before,
                chain[place],
                argument="cut",
                help="cut where floating-point values are passed on",
            )
