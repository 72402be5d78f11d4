"""Where layers are computed, where their weights wait, and in which dtype they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Literal

from netspec.declaration import Refusal
from netspec.patterns import matches
from netspec.placement.layout import Action, Layout, Misplaced
from netspec.placement.strategy import strategy
from netspec.planning.freezing import is_meant, keys_like, with_frozen

Patterns = tuple[str, ...]
Dtype = Literal["float32", "float64", "float16", "bfloat16"]


@strategy("", order=10, obvious="device")
def devices(layout: Layout, /, *, device: str | None = None, **patterns: str) -> Layout:
    """The device of layers by patterns over their paths; the first that is like a path counts.

    ``device`` is that of all others: a name that ``torch.device`` takes, or ``auto``. Inputs are
    moved where the device changes.
    """
    require_one_process(layout, "devices")
    chosen = by_patterns(layout, patterns)
    if device is not None:
        chosen = {**dict.fromkeys(_paths(layout), device), **chosen}
    return layout.changed(
        {path: layout.placed(path)._replace(device=each) for path, each in chosen.items()}
    )


@strategy("", order=1, obvious="layers")
def freeze(layout: Layout, /, *, layers: Patterns) -> Layout:
    """Parameters that are not trained, by patterns over modules and keys in ``state_dict``.

    They are added to those that the spec freezes.
    """
    keys: list[str] = []
    for pattern in layers:
        meant = keys_like(layout.plan, pattern)
        if not meant:
            layout.match(pattern, "layers")
            raise Refusal(f"{pattern!r} is like no module with parameters", argument="layers")
        keys += meant
    return replace(layout, plan=with_frozen(layout.plan, keys))


@strategy("netspec.placement.one_process.dtypes", order=10, obvious="dtype")
def dtypes(layout: Layout, /, *, dtype: Dtype | None = None, **patterns: Dtype) -> Layout:
    """The dtype of layers by patterns over their paths; the first that is like a path counts.

    ``dtype`` is that of all others. Inputs are cast where a layer's weights are of another dtype.
    """
    chosen: dict[str, str] = dict(by_patterns(layout, patterns))
    if dtype is not None:
        chosen = {**dict.fromkeys(_paths(layout), dtype), **chosen}
    own = {one.path: chosen[one.path] for one in layout.plan.parameters if one.path in chosen}
    layers = {row.path: chosen.get(row.path) for row in layout.plan.layers if row.parameters}
    changes = {
        path: layout.placed(path)._replace(dtype=chosen.get(path), casts_inputs=path in layers)
        for path in {**layers, **chosen}
    }
    action = Action(
        "dtypes", "netspec.placement.one_process.dtypes", {"layers": layers, "parameters": own}
    )
    return layout.changed(changes).then(action)


@strategy("netspec.placement.one_process.offload", order=70, obvious="layers")
def offload(
    layout: Layout,
    /,
    *,
    layers: Patterns,
    to: Literal["cpu", "disk"] = "cpu",
    folder: str | None = None,
) -> Layout:
    """Weights of these modules wait in the memory of the cpu, or in a folder on disk.

    They are on the model's device while it computes with them, without gradients: accelerate.
    https://huggingface.co/docs/accelerate/usage_guides/big_modeling
    """
    require_one_process(layout, "offload")
    if find_spec("accelerate") is None:
        raise Refusal(
            "offload needs accelerate, which is not installed",
            help="pip install 'netspec[offload]'",
        )
    if (to == "disk") != (folder is not None):
        message = "`to: disk` needs a `folder`" if folder is None else "`folder` is for `to: disk`"
        raise Refusal(message, argument="to" if folder is None else "folder")
    paths = layout.match_all(layers, "layers")
    inside = {row.path for path in paths for row in layout.rows(path)}
    for tie in layout.plan.ties:
        owners = [row for row in map(layout.owner, tie.keys) if row is not None]
        if any(row.path in inside for row in owners):
            raise Misplaced(
                f"{tie.others[0]} is tied to {tie.source}, and tied weights cannot be offloaded",
                *owners,
                argument="layers",
            )
    changes = {path: layout.placed(path)._replace(kept_on=to) for path in inside}
    settings = {"layers": paths, "folder": folder}
    action = Action("offload", "netspec.placement.one_process.offload", settings)
    return layout.changed(changes).then(action)


def by_patterns(layout: Layout, patterns: Mapping[str, str]) -> dict[str, str]:
    """What each layer, and parameter of a container, gets that a pattern is like: it, or a module
    around it.

    Raises:
        Refusal: a pattern is like none.
    """
    chosen: dict[str, str] = {}
    own = [one.path for one in layout.plan.parameters]
    modules = layout.modules() if patterns else {}
    for pattern, value in patterns.items():
        keys = [path for path in own if is_meant(pattern, path)]
        meant = [path for path in modules if matches(pattern, path)]
        if not meant and not keys:
            layout.match(pattern, pattern)  # which refuses it
        rows = [row.path for path in meant for row in layout.rows(path)]
        for path in (*rows, *keys):
            chosen.setdefault(path, value)
    return chosen


def _paths(layout: Layout) -> list[str]:
    """The paths of all layers, and of the parameters of containers."""
    plan = layout.plan
    return [row.path for row in plan.layers] + [own.path for own in plan.parameters]


def require_one_process(layout: Layout, word: str) -> None:
    """
    Raises:
        Refusal: there are several ranks, each with a device of its own.
    """
    if layout.mesh.axes:
        raise Refusal(
            f"{word} is for one process, and the mesh has {layout.mesh.ranks} ranks, each with a "
            "device of its own",
            help=f"remove `mesh`, or `{word}`",
        )
