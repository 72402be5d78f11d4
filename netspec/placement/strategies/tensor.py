"""Ranks that compute the same batch together: each has a part of the features, or of the heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from netspec.declaration.splits import Splits
from netspec.operators import OPERATORS
from netspec.placement.graph import Call, Calls, calls_of, writes_into_input
from netspec.placement.layout import Action, Layout, Misplaced, Place, Placed, Shard
from netspec.placement.strategy import strategy
from netspec.planning import PlannedLayer

Patterns = tuple[str, ...]
#: What a layer is: one half of a pair, a pair by itself, or a column that is put together again.
Style = Literal["column", "row", "pair", "gather"]

UNSPLIT = Splits()


class Part(NamedTuple):
    """A module of torch's in a layer, and the dim of its weight that is split."""

    path: str
    style: Style
    dim: int


@strategy("netspec.distributed.tensor.tensor_parallel", order=20, obvious="layers")
def tensor_parallel(
    layout: Layout,
    /,
    *,
    layers: Patterns = (),
    column: Patterns = (),
    row: Patterns = (),
    gather: Patterns = (),
    axis: str = "tp",
) -> Layout:
    """Layers are divided over the ranks of an axis, which all compute the same batch.

    In the modules of ``layers`` all pairs are found: layers that are one by themselves (attention,
    gated feed-forward), and a ``linear`` that another follows with only functions of single values
    between. ``column`` and ``row`` are halves of pairs that are written, ``gather`` columns whose
    output is put together again at once. What is not divided, all ranks have and compute.

    Shoeybi et al. (2019), "Megatron-LM", https://arxiv.org/abs/1909.08053,
    https://docs.pytorch.org/docs/stable/distributed.tensor.parallel.html
    """
    layout = layout.using(axis, "tensor_parallel")
    graph = calls_of(layout.plan)
    styles = {**_written(layout, column=column, row=row, gather=gather)}
    if layers:
        styles |= _found(layout, graph, layout.match_all(layers, "layers"), styles)
    if not styles:
        raise Misplaced(
            "tensor_parallel finds no pair of layers that can be divided",
            argument="layers" if layers else None,
            help="pairs are a linear that another follows with only activations between, "
            "attention and gated layers; or write `column`, `row` or `gather`",
        )
    rows = {one.path: one for one in layout.plan.layers if not one.is_reused}
    ranks = layout.mesh.axes[axis]
    changes: dict[str, Placed] = {}
    parts: list[Part] = []
    for path, style in styles.items():
        own = list(_parts(rows[path], style))
        _require_equal_parts(rows[path], own, ranks, axis, _argument(style))
        changes[path] = _with_shards(layout.placed(path), rows[path], own, axis)
        parts += own
    between = _require_pairs(graph, styles)
    layout = layout.changed(changes)
    settings = {
        "axis": axis,
        "styles": {one.path: one.style for one in parts},
        "divided": {
            path: _splits(rows[path]).divided for path, style in styles.items() if style == "pair"
        },
        "between": between,
    }
    target = "netspec.distributed.tensor.tensor_parallel"
    return layout.then(Action("tensor_parallel", target, settings))


def _splits(row: PlannedLayer) -> Splits:
    return row.application.type.splits or UNSPLIT


def _argument(style: Style) -> str:
    return "layers" if style == "pair" else style


# ---- which layers


def _written(layout: Layout, **patterns: Patterns) -> dict[str, Style]:
    """
    Raises:
        Refusal: a pattern matches no layer; or, Misplaced, one that cannot be divided so.
    """
    styles: dict[str, Style] = {}
    sides: tuple[Style, ...] = ("column", "row", "gather")
    for style in sides:
        for path in layout.match_all(patterns[style], style):
            module = layout.modules()[path]
            side = "row" if style == "row" else "column"
            if not isinstance(module, PlannedLayer) or "" not in getattr(_splits(module), side):
                what = module.type if isinstance(module, PlannedLayer) else "container"
                raise Misplaced(
                    f"`{path}` is a {what}, which cannot be divided by its {side}s",
                    module,
                    argument=style,
                    help="write the path of a linear or an embedding; attention and gated layers "
                    "are under `layers`",
                )
            if path in styles:
                raise Misplaced(
                    f"`{path}` is under {styles[path]} and under {style}", module, argument=style
                )
            styles[path] = style
    return styles


def _found(
    layout: Layout, graph: Calls, paths: tuple[str, ...], written: Mapping[str, Style]
) -> dict[str, Style]:
    """The pairs inside of some modules, without the layers that are written."""
    inside = {row.path for path in paths for row in layout.rows(path)} - set(written)
    reused = {row.path for row in layout.plan.layers if row.is_reused}
    readers = graph.readers()
    results = set(graph.results)
    found: dict[str, Style] = {}
    for call in graph.calls:
        layer = call.layer
        if layer is None or layer.path not in inside or layer.path in found:
            continue
        if _splits(layer).is_pair:
            found[layer.path] = "pair"
        elif _is_column(call) and layer.path not in reused:
            other = _follower(call, readers, results)
            if other is not None and other.path in inside - set(found) - reused:
                found[layer.path] = "column"
                found[other.path] = "row"
    return found


def _is_column(call: Call) -> bool:
    """Whether a layer may be the first of a pair: of numbers an embedding makes features."""
    layer = call.layer
    return layer is not None and "" in _splits(layer).column and layer.inputs[0].is_floating


def _follower(
    call: Call, readers: Mapping[int, list[Call]], results: set[int]
) -> PlannedLayer | None:
    """The layer that could add up what a column gives: nothing else may read it on the way."""
    while True:
        value = call.outputs[0]
        after = readers.get(value, [])
        if len(after) != 1 or value in results:
            return None
        call = after[0]
        if call.layer is None:
            return None
        if "" in _splits(call.layer).row:
            return call.layer
        if not call.layer.application.type.is_elementwise:
            return None


# ---- what is split


def _parts(row: PlannedLayer, style: Style) -> Iterator[Part]:
    """
    Raises:
        Misplaced: the declaration does not say what becomes of a parameter.
    """
    splits = _splits(row)
    whole: dict[Style, dict[Style, Mapping[str, int]]] = {
        "column": {"column": splits.column},
        "gather": {"gather": splits.column},
        "row": {"row": splits.row},
        "pair": {"column": splits.column, "row": splits.row},
    }
    known = {one.name for one in row.parameters}
    covered = set()
    for side, parts in whole[style].items():
        for name, dim in parts.items():
            inner = f"{name}." if name else ""
            covered |= {f"{inner}weight", f"{inner}bias"}
            if f"{inner}weight" in known:
                yield Part(f"{row.path}.{name}" if name else row.path, side, dim)
            else:
                raise Misplaced(
                    f"`{row.path}` cannot be divided: {row.type} has no {inner}weight", row
                )
    others = sorted(known - covered)
    if others:
        raise Misplaced(
            f"`{row.path}` cannot be divided: {row.type} does not say how {others[0]} is", row
        )


def _require_equal_parts(
    row: PlannedLayer, parts: list[Part], ranks: int, axis: str, argument: str
) -> None:
    """
    Raises:
        Misplaced: heads or features cannot be shared equally by the ranks.
    """
    divided = _splits(row).divided if argument == "layers" else ()
    for name in divided:
        value = row.arguments[name]
        if isinstance(value, int) and value % ranks:
            raise Misplaced(
                f"`{row.path}` has {name} {value}, which the {ranks} ranks of {axis!r} cannot "
                "share equally",
                row,
                argument=argument,
                help=f"write a {name} that is a multiple of {ranks}, or another number of ranks",
            )
    shapes = {one.name: one.shape for one in row.parameters}
    for part in parts:
        inner = part.path.removeprefix(row.path).removeprefix(".")
        name = f"{inner}.weight" if inner else "weight"
        size = shapes[name][part.dim]
        if size % ranks:
            raise Misplaced(
                f"{name} of `{row.path}` is {list(shapes[name])}: its {size} values along dim "
                f"{part.dim} cannot be split equally over the {ranks} ranks of {axis!r}",
                row,
                argument=argument,
                help=f"write a size that is a multiple of {ranks}, or another number of ranks",
            )


def _with_shards(placed: Placed, row: PlannedLayer, parts: list[Part], axis: str) -> Placed:
    names = {one.name for one in row.parameters}
    shards = dict(placed.shards)
    for part in parts:
        inner = part.path.removeprefix(row.path).removeprefix(".")
        prefix = f"{inner}." if inner else ""
        shards[f"{prefix}weight"] = (*shards.get(f"{prefix}weight", ()), Shard(axis, part.dim))
        if part.style != "row" and f"{prefix}bias" in names:
            shards[f"{prefix}bias"] = (*shards.get(f"{prefix}bias", ()), Shard(axis, 0))
    return placed._replace(shards=shards)


# ---- checks


def _require_pairs(graph: Calls, styles: Mapping[str, Style]) -> tuple[str, ...]:
    """Follows what is divided through the model; the layers that get parts of the features.

    Raises:
        Misplaced: a column without its row, a row without its column, or a layer between them
            that needs all features, or that writes into a value that is a view.
    """
    divided: dict[int, PlannedLayer] = {}  # values of which each rank has a part
    views: dict[int, PlannedLayer] = {}  # values that autograd gets as views of DTensors
    between: dict[str, None] = {}
    for call in graph.calls:
        origin = next((divided[value] for value in call.inputs if value in divided), None)
        layer = call.layer
        style = None if layer is None else styles.get(layer.path)
        if layer is not None and call.inputs[0] in views and writes_into_input(layer):
            before = views[call.inputs[0]]
            raise Misplaced(
                f"`{layer.path}` writes into what `{before.path}` gives, which is divided: "
                "autograd does not allow it",
                layer,
                before,
                argument=_argument(styles[before.path]),
                help=f"write `inplace: false` for `{layer.path}`",
            )
        if layer is not None and style is not None:
            _require_input(layer, style, origin)
            views[call.outputs[0]] = layer
            if style == "column":
                divided[call.outputs[0]] = layer
        elif origin is not None:
            alike = all(value in divided for value in call.inputs)
            operator = OPERATORS.get(call.kind)
            is_elementwise = operator is not None and operator.is_elementwise
            if layer is None and not (is_elementwise and alike):
                place = Place(call.kind, call.origin)
                raise _column_without_row(origin, f"`{call.kind}` needs whole values", place)
            if layer is not None and not layer.application.type.is_elementwise:
                what = f"`{layer.path}` ({layer.type}) needs all features"
                raise _column_without_row(origin, what, layer)
            divided |= dict.fromkeys(call.outputs, origin)
            if layer is not None:
                between[layer.path] = None
    for value in graph.results:
        if value in divided:
            raise _column_without_row(divided[value], "the model's output has to be whole")
    return tuple(between)


def _require_input(layer: PlannedLayer, style: Style, origin: PlannedLayer | None) -> None:
    if style == "row":
        if origin is None and layer.inputs[0].is_floating:
            raise Misplaced(
                f"`{layer.path}` is divided by rows, but no column comes before it: it would get "
                "whole values",
                layer,
                argument="row",
                help="write the layer before it under `column`",
            )
    elif origin is not None:
        raise _column_without_row(origin, f"`{layer.path}` needs all features", layer)


def _column_without_row(origin: PlannedLayer, why: str, *others: PlannedLayer | Place) -> Misplaced:
    return Misplaced(
        f"`{origin.path}` is divided by columns, but {why}",
        origin,
        *others,
        argument="column",
        help="write the linear that ends the pair under `row`, or this one under `gather`",
    )
