"""Every rank computes a part of the batch: with whole copies, or with shards of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from netspec.placement.graph import calls_of, writes_into_input
from netspec.placement.layout import Action, Layout, Misplaced, Placed, Shard
from netspec.placement.strategy import strategy
from netspec.planning import PlannedLayer

Patterns = tuple[str, ...]
Dtype = Literal["float32", "float64", "float16", "bfloat16"]


@strategy("netspec.distributed.data.data_parallel", order=60, obvious="axis")
def data_parallel(layout: Layout, /, *, axis: str = "dp") -> Layout:
    """Each rank has a copy of the model; gradients are averaged over the axis.

    Li et al. (2020), https://arxiv.org/abs/2006.15704, by FSDP2's hooks instead of DDP's wrapper:
    keys stay, and the weights may be divided over other axes.
    """
    layout = layout.using(axis, "data_parallel", splits_batch=True)
    _require_one_dtype(layout, (), "data_parallel")
    return layout.then(
        Action("data_parallel", "netspec.distributed.data.data_parallel", {"axis": axis})
    )


@strategy("netspec.distributed.data.fsdp", order=50, obvious="layers")
def fsdp(
    layout: Layout,
    /,
    *,
    layers: Patterns = (),
    axis: str = "dp",
    replicate: str | None = None,
    param_dtype: Dtype | None = None,
    reduce_dtype: Dtype | None = None,
    reshard_after_forward: bool = True,
) -> Layout:
    """Weights, gradients and the optimizer's state are split over the ranks of an axis.

    Each of the modules in ``layers`` is gathered by itself when it is computed, and what is in
    none of them with the model: FSDP2. Dim 0 of each parameter is split. ``replicate`` is an axis
    over which the shards are copied.
    Zhao et al. (2023), https://arxiv.org/abs/2304.11277,
    https://docs.pytorch.org/docs/stable/distributed.fsdp.fully_shard.html
    """
    layout = layout.using(axis, "fsdp", splits_batch=True)
    if replicate is not None:
        layout = layout.using(replicate, "fsdp", "replicate", splits_batch=True)
    paths = layout.match_all(layers, "layers")
    _require_ties_together(layout, paths)
    _require_no_writes(layout, paths)
    _require_one_dtype(layout, paths, "fsdp")
    changes: dict[str, Placed] = {}
    for row in layout.plan.layers:
        if row.is_reused or not row.parameters:
            continue
        placed = layout.placed(row.path)
        changes[row.path] = placed._replace(shards=_with_first_dim(row, placed, axis))
    settings = {
        "layers": paths,
        "axes": (axis,) if replicate is None else (replicate, axis),
        "param_dtype": param_dtype,
        "reduce_dtype": reduce_dtype,
        "reshard_after_forward": reshard_after_forward,
    }
    return layout.changed(changes).then(Action("fsdp", "netspec.distributed.data.fsdp", settings))


def _with_first_dim(
    row: PlannedLayer, placed: Placed, axis: str
) -> Mapping[str, tuple[Shard, ...]]:
    """The shards of each parameter with its first dim split over the axis, too."""
    return {
        parameter.name: (*placed.shards.get(parameter.name, ()), Shard(axis, 0))
        for parameter in row.parameters
        if parameter.shape
    }


def _require_ties_together(layout: Layout, groups: tuple[str, ...]) -> None:
    """
    Raises:
        Misplaced: a tied parameter would be gathered with two groups.
    """
    for tie in layout.plan.ties:
        own = _group(tie.source, groups)
        apart = next((key for key in tie.others if _group(key, groups) != own), None)
        if apart is not None:
            layers = [layout.owner(key) for key in (tie.source, apart)]
            raise Misplaced(
                f"{apart} is tied to {tie.source}, but they would be gathered apart",
                *filter(None, layers),
                argument="layers",
                help="leave both to the model's own group: let no pattern match them",
            )


def _require_one_dtype(layout: Layout, groups: tuple[str, ...], word: str) -> None:
    """
    Raises:
        Misplaced: parameters that are sent together would be of two dtypes, which FSDP2 refuses at
            the first forward. Without a word they are taken for float32.
    """
    first: dict[str, PlannedLayer] = {}
    for row in layout.plan.layers:
        if row.is_reused or not row.parameters:
            continue
        other = first.setdefault(_group(row.path, groups), row)
        one, two = (layout.placed(layer.path).dtype or "float32" for layer in (other, row))
        if one != two:
            raise Misplaced(
                f"`{other.path}` would be of {one} and `{row.path}` of {two}, but {word} sends "
                "them together, as one dtype",
                other,
                row,
                help="give both one dtype, or each a module of `fsdp: {layers: ...}` of its own",
            )


def _require_no_writes(layout: Layout, groups: tuple[str, ...]) -> None:
    """
    Raises:
        Misplaced: a layer writes into a view that a group gives: the hook that gathers the group
            for backward is lost with it, and gradients may be wrong.
    """
    makers: dict[int, PlannedLayer] = {}
    for call in calls_of(layout.plan).calls:
        layer, before = call.layer, makers.get(call.inputs[0]) if call.inputs else None
        if layer is None:
            continue
        makers |= dict.fromkeys(call.outputs, layer)
        if before is None or not writes_into_input(layer) or not before.application.is_view:
            continue
        group = _group(before.path, groups)
        if group and group != _group(layer.path, groups):
            raise Misplaced(
                f"`{layer.path}` writes into what `{before.path}` gives, a view that leaves the "
                f"group `{group}`: gradients would be wrong",
                layer,
                before,
                argument="layers",
                help=f"write `inplace: false` for `{layer.path}`",
            )


def _group(key: str, groups: tuple[str, ...]) -> str:
    """The innermost of the groups that a parameter or layer is in; the model's own is empty."""
    around = [path for path in groups if key == path or key.startswith(f"{path}.")]
    return max(around, key=len, default="")
