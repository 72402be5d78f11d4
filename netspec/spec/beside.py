"""Which reserved keys have an effect beside which kind of item: one table."""

from __future__ import annotations

from netspec.spec.spec import (
    Concat,
    Each,
    Layer,
    Layers,
    LayerTemplate,
    Merge,
    Part,
    Pass,
    RawParameter,
    Residual,
    Scale,
    Split,
    Use,
)

#: The keys that have an effect beside every item.
EVERYWHERE = frozenset({"name", "when", "from", "let", "shape"})

_LAYER = EVERYWHERE | {"repeat", "device", "freeze", "init"}
_GROUP = EVERYWHERE | {"repeat", "device", "freeze"}
#: The keys that have an effect beside an item, by its kind.
EFFECTS = {
    "layer": _LAYER,
    "block": _GROUP,
    "container": _GROUP,
    "composite": _GROUP,
    "wiring": EVERYWHERE | {"repeat"},  # a composite without layers
    "each": EVERYWHERE | {"device", "freeze"},
    "merge": EVERYWHERE,  # without branches, of what `from` names
    "use": EVERYWHERE,
    "parameter": EVERYWHERE | {"device", "freeze"},
    "pass": EVERYWHERE - {"when"},  # `from` alone, whose value passes on if it is left out
}

_WEIGHTS = "what is used again has the weights that it has"
_HELPS = {
    ("init", "parameter"): "write it inside: `parameter: {shape: [1, 8], init: ones}`",
    ("init", "use"): f"{_WEIGHTS}: write it beside the first use",
    ("device", "use"): f"{_WEIGHTS}, where they are: write it beside the first use",
    ("freeze", "use"): f"{_WEIGHTS}: write it beside the first use",
    ("device", "merge"): "values are merged where the first of them is",
    ("when", "pass"): "what is left out passes on what `from` names: choose there, "
    "`from: \"$('a' if wide else 'b')\"`",
    ("device", "wiring"): "values are merged where the first of them is",
    ("repeat", "each"): "`repeat` makes copies of layers; `each` counts with `in: $(range(n))`",
}
_OTHERWISE = {
    "init": "write it beside the layers themselves, or at the top for all layers of a kind",
    "repeat": "`repeat` makes copies of layers",
    "device": "write it beside a layer or a container",
    "freeze": "write it beside a layer or a container that has parameters",
}


def kind_of(part: Part) -> str:
    """The row of the table; a layer is taken for one that is no block."""
    if isinstance(part, Layer | LayerTemplate):
        return "layer"
    if isinstance(part, Layers):
        return "container"
    if isinstance(part, Residual | Scale):
        return "composite"
    if isinstance(part, Split | Concat | Merge):
        has_layers = any(branch.items for branch in part.branches)
        return "composite" if has_layers else "wiring" if part.branches else "merge"
    if isinstance(part, Each):
        return "each"
    if isinstance(part, Use):
        return "use"
    if isinstance(part, RawParameter):
        return "parameter"
    assert isinstance(part, Pass)
    return "pass"


def has_effect(key: str, kind: str) -> bool:
    return key in EFFECTS[kind]


def message(key: str, kind: str, word: str) -> str:
    """Why a key may not stand beside an item."""
    beside = "`from` alone" if kind == "pass" else f"`{word}`"
    if kind in ("merge", "wiring"):
        beside += " without layers"
    return f"`{key}` has no effect beside {beside}"


def advice(key: str, kind: str) -> str:
    """What to write instead."""
    return _HELPS.get((key, kind)) or _OTHERWISE[key]
