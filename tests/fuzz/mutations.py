"""Changes of a document: keys, values, extremes and expressions, drawn with a seed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from netspec.registry import default_registry
from netspec.spec import words
from netspec.templates.evaluate import FUNCTIONS
from tests.fuzz.seeds import seeds

EXTREMES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, -1, -2, 7, 8, 64, 65, 255, 1000, 10**4, 10**6, 2**31, 2**63 - 1,
    2**63, 10**18, 10**30, 10**400, 0.0, -0.0, 0.5, 1.5, -1.5, 1e-320, 1e308, float("inf"),
    float("-inf"), float("nan"), "", " ", "a" * 101, "a" * 3000, "N", "H", "T", "input", "relu",
    "index", "*", "a*", "a.b", ".", "$", "$$", "$x", "$(", "$()", "true", "1", "1e5", "same",
    "cuda:0", "cpu", "meta", "\n", "\t", "\x00", "\ud800", "é", "😀", [], {}, [[]], [{}], [None],
    [0], [1, 2], [3, 3], [-1, -1], ["N", 8], ["N", 3, 8, 8], ["relu"], {"relu": None},
    {"linear": 8}, {"": None}, {"a": {"b": {"c": 1}}}, [1] * 300, [["relu"]],
)  # fmt: skip
NAMES = (
    "in_channels", "in_features", "shape", "index", "width", "depth", "n", "x", "True", "None",
    "'a'", "[1, 2]", "()", "0", "1", "2", "-1", "3", "1.5", "10**9", "2**62", "shape[0]",
    "shape[-1]", "shape[1:]", "range(3)", "range(9999)", "[[1, 2], [3, 4]]",
)  # fmt: skip
OPERATORS = (
    "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and",
    "or",
)  # fmt: skip
KEYS = (
    *words.ROOT_KEYS, *sorted(words.PARTS), *sorted(words.RESERVED), "body", "shortcut", "branches",
    "dim", "in", "as", "shape", "dtype", "min", "max", "multiple_of", "inplace", "bias", "name",
    "weight", "kernel_size", "stride", "padding", "out_features", "out_channels", "0", "1", "a",
)  # fmt: skip

Place = tuple[Any, Any]  # a dict or list, and a key of it


def mutated(random: Random) -> dict[str, Any]:
    """A document of the seeds with one to five changes."""
    tree = deepcopy(random.choice(seeds()))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
        places = _places(tree)
        if not places:
            break
        change = random.choice(CHANGES)
        change(random, *random.choice(places))
    return tree


def _places(tree: Any) -> list[Place]:
    found: list[Place] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return found


def expression(random: Random, depth: int = 0) -> str:
    """An expression of the language, right or wrong."""
    kind = random.randrange(8) if depth < 3 else 0
    if kind < 3:
        return random.choice(NAMES)
    one, other = expression(random, depth + 1), expression(random, depth + 1)
    if kind < 5:
        return f"({one} {random.choice(OPERATORS)} {other})"
    if kind == 5:
        given = ", ".join([one, other][: random.randrange(3)])
        return f"{random.choice(sorted(FUNCTIONS))}({given})"
    return f"({one} if {other} else {one})" if kind == 6 else f"[{one}, {other}]"


def _extreme(random: Random, node: Any, key: Any) -> None:
    node[key] = deepcopy(random.choice(EXTREMES))


def _number(random: Random, node: Any, key: Any) -> None:
    value = node[key]
    if type(value) is int:
        node[key] = value + random.choice((-2, -1, 1, 2, value, -2 * value))
    else:
        node[key] = random.randrange(-3, 40)


def _expression(random: Random, node: Any, key: Any) -> None:
    node[key] = f"$({expression(random)})"


def _remove(random: Random, node: Any, key: Any) -> None:
    del node[key]


def _rename(random: Random, node: Any, key: Any) -> None:
    if isinstance(node, dict):
        word = random.choice((random.choice(KEYS), random.choice(_layers()), f"{key}s", key[1:]))
        entries = [(word if old == key else old, value) for old, value in node.items()]
        node.clear()
        node.update(entries)
    elif isinstance(node[key], str):
        node[key] = random.choice(_layers())


def _repeat(random: Random, node: Any, key: Any) -> None:
    times = random.choice((0, 1, 2, 3, 40, 50_000, 10**9, "$index", "$(shape[0])"))
    value = node[key]
    if isinstance(value, dict):
        node[key] = {"repeat": times, **value}
    else:
        node[key] = {"repeat": times, "layers": [value]}


def _reserved(random: Random, node: Any, key: Any) -> None:
    """A reserved key beside a layer."""
    value = node[key]
    word = random.choice(sorted(words.ITEM_KEYS | words.SCOPE_KEYS))
    chosen = random.choice((deepcopy(random.choice(EXTREMES)), f"$({expression(random)})", "input"))
    if isinstance(value, dict):
        node[key] = {**value, word: chosen}
    elif isinstance(value, str):
        node[key] = {value: None, word: chosen}


def _splice(random: Random, node: Any, key: Any) -> None:
    """A part of another document in this place."""
    places = _places(random.choice(seeds()))
    if places:
        other, place = random.choice(places)
        node[key] = deepcopy(other[place])


def _again(random: Random, node: Any, key: Any) -> None:
    """A second one beside it."""
    if isinstance(node, list):
        node.insert(key, deepcopy(node[key]))
    else:
        node[random.choice((random.choice(KEYS), f"{key}_2"))] = deepcopy(node[key])


def _wrap(random: Random, node: Any, key: Any) -> None:
    """It in a composite or container."""
    value = node[key]
    inside = value if isinstance(value, list) else [value]
    node[key] = random.choice(
        (
            {"residual": inside},
            {"concat": [inside, []]},
            {"split": [inside, inside]},
            {"add": [inside, []]},
            {"layers": inside},
            {"each": {"in": "$(range(3))", "as": "x", "layers": inside}},
            [value],
        )
    )


def _layers() -> list[str]:
    return sorted(default_registry().layers())


CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    _extreme, _extreme, _number, _number, _expression, _expression, _remove, _rename, _repeat,
    _reserved, _splice, _again, _wrap,
)  # fmt: skip
