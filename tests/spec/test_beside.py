"""Each reserved key beside each kind of item has an effect, or is a finding."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import netspec
from netspec.planning import PlannedScope
from netspec.spec import beside, words

ITEMS: dict[str, tuple[str, dict[str, object]]] = {
    "layer": ("layer", {"linear": 4}),
    "computed layer": ("layer", {"$word": 4}),
    "block": ("block", {"unit": None}),
    "container": ("container", {"layers": {"k": {"linear": 4}, "l": {"linear": 4}}}),
    "residual": ("composite", {"residual": [{"linear": 4}]}),
    "scale": ("composite", {"scale": [{"linear": 4}]}),
    "concat": ("composite", {"concat": [[], [{"linear": 4}]]}),
    "split": ("composite", {"split": [[], [{"linear": 2}]]}),
    "add": ("composite", {"add": [[], [{"linear": 4}]]}),
    "add of nothing": ("wiring", {"add": [[], []]}),
    "split of nothing": ("wiring", {"split": [[], []]}),
    "each": ("each", {"each": {"in": [1], "layers": [{"linear": 4}]}}),
    "merge": ("merge", {"add": None, "from": ["a", "b"]}),
    "concat of two": ("merge", {"concat": {"dim": 1}, "from": ["a", "b"]}),
    "use": ("use", {"use": "a"}),
    "parameter": ("parameter", {"parameter": ["$in_features"], "name": "p"}),
    "pass": ("pass", {"from": "a", "name": "$label"}),
}
KEYS: dict[str, object] = {
    "name": "x",
    "repeat": 2,
    "device": "meta",
    "when": False,
    "from": ["z", "z"],
    "let": {"ok": False, "label": "x"},
    "init": {"weight": 0},
    "shape": ["N", 99],
    "freeze": True,
    "inputs": ["i", "j"],
    "outputs": "k",
    "auxiliary": "k",
    "register": ["l"],
}


def test_the_table_has_every_key_and_kind() -> None:
    assert set(KEYS) == words.ITEM_KEYS | words.SCOPE_KEYS
    assert {kind for kind, _ in ITEMS.values()} == set(beside.EFFECTS)


@pytest.mark.parametrize("label", ITEMS)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_has_an_effect_or_is_a_finding(key: str, label: str) -> None:
    kind, item = ITEMS[label]
    tail = (
        [{"from": ["x", "x"], "concat": None}]
        if key == "name" or (key, kind) == ("let", "pass")
        else []
    )
    plain = outcome(kind, item, tail)
    changed = outcome(kind, {**item, key: KEYS[key]}, tail)
    assert plain != changed
    refused = any(code == "misplaced-key" for code, _ in changed[0])
    if key in words.SCOPE_KEYS:
        assert changed[0] or kind == "container"
    else:
        assert refused == (not beside.has_effect(key, kind))


def outcome(
    kind: str, item: dict[str, object], tail: Sequence[object]
) -> tuple[list[tuple[str, str]], object]:
    """The errors, and else what the plan of a model with the item is."""
    spec = {
        "netspec": 1,
        "input": ["N", 4],
        "params": {"ok": True, "word": "linear", "label": "w"},
        "blocks": {"unit": [{"linear": 4}]},
        "layers": [
            {"name": "z", "linear": 5},
            {"name": "a", "from": "input", "linear": 4},
            {"name": "b", "linear": 4},
            {**({} if kind == "pass" else {"when": "$ok"}), **item},
            *tail,
        ],
    }
    try:
        plan = netspec.plan(netspec.from_dict(spec))
    except netspec.SpecError as error:
        return [(found.code, found.message) for found in error.diagnostics], None
    rows = [(row.path, row.device, row.init, row.outputs) for row in plan.layers]
    return [], (rows, plan.parameters, plan.frozen, [wiring(scope) for scope in plan.scopes()])


def wiring(scope: PlannedScope) -> object:
    nodes = [(node.name, node.inputs, node.outputs) for node in scope.graph.nodes]
    return [child.path for child in scope.children], nodes, scope.graph.results
