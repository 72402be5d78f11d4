"""Strategies for whole specs as trees of dicts and lists: whatever the grammar allows."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from netspec.layers.initialisers import INITIALISERS
from netspec.operators import MERGES, OPERATORS
from netspec.registry import RegisteredLayer, Registry
from netspec.spec.beside import has_effect
from netspec.testing.strategies import BARE, Arguments, arguments

#: A spec, or a part of one, as ``from_dict`` takes it.
Tree = object

#: Words that YAML or a careless writer could take for something else.
AWKWARD = (
    "no", "on", "~", "null", "true", "1", "-1", "0x1F", "1e5", "+1", "1_000", "2020-01-01", "=",
    "<<", "- a", "a: b", "a #b", "#", "'", '"', "\\", " a ", "a\nb", "a\tb", "\r", "[", "]", "{",
    "}", ",", "&a", "*a", "!t", "|", ">", "%", "@", "`", "?", ":", "-", "---", "größe", "\x85",
    "\u2028", "\ufeff", "\x00", "\x1b[31m", "😀", "name", "layers", "residual", "netspec", "body",
)  # fmt: skip
#: Texts with a dollar, some of them with a value.
COMPUTED = (
    "$w", "$(w * 2)", "$nobody", "$in_channels", "$in_features", "$shape", "$index", "a$(w)b",
    "$(shape[0])", "$(1 // 0)", "$([1, w][:1])", "$(w if w > 1 else 'x')", "$('relu')", "$(-w)",
    "$(zip(range(3), [w] * 3))", "$(w == 2)", "$(shape[-1] % 2 == 0)", "$(1.5)", "$$", "5$$",
)  # fmt: skip
BLOCKS = ("block", "Block 2", "größe")
VALUE_NAMES = ("w", "v", "depths", "_x")


def names() -> st.SearchStrategy[str]:
    """Names of children: plain ones, awkward ones, and any letters but a dot."""
    letters = st.characters(exclude_categories=["Cs"], exclude_characters=".")
    return st.one_of(
        st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
        st.sampled_from(AWKWARD),
        st.text(letters, min_size=1, max_size=12).map(plain_text),
    )


def plain_text(text: str) -> str:
    """A text that stands for itself: a dollar would begin an expression."""
    return text.replace("$", "$$")


def values() -> st.SearchStrategy[object]:
    """Any value that an argument can have in the language, and no nan: it equals nothing."""
    numbers = st.integers() | st.floats(allow_nan=False)
    leaves = (
        st.none()
        | st.booleans()
        | numbers
        | st.text(max_size=8).map(plain_text)
        | st.sampled_from(AWKWARD)
        | computed()
    )
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


def computed() -> st.SearchStrategy[str]:
    """Texts with a dollar; not all are computed from something."""
    return st.sampled_from(COMPUTED)


def expressions() -> st.SearchStrategy[str]:
    """Texts that are computed."""
    return computed().filter(lambda text: "$$" not in text)


@st.composite
def trees(draw: st.DrawFn, registry: Registry, *, max_items: int = 4, depth: int = 3) -> Tree:
    """Specs whose grammar is right; the layers may be unknown, and rarely fit together."""
    root: dict[str, Tree] = {"netspec": 1}
    if draw(st.integers(0, 3)):
        root["input"] = draw(_inputs())
    else:
        root["inputs"] = draw(st.dictionaries(names(), _inputs(), min_size=1, max_size=3))
    if draw(st.booleans()):
        root["name"] = draw(names() | st.text(max_size=30))
    layers = list(registry.layers().values())
    if draw(st.booleans()):
        root |= draw(_definitions(layers, max_items, depth))
    root["layers"] = draw(_containers(layers, max_items, depth))
    return root | draw(_scope_keys())


@st.composite
def _inputs(draw: st.DrawFn) -> Tree:
    size = st.integers(0, 64) | st.sampled_from(
        ["N", "H", "W", "T", "Batch_size", 2**63 - 1, "$w", "$(w * 2)"]
    )
    shape = draw(st.lists(size, max_size=5))
    known = sorted({size for size in shape if isinstance(size, str) and "$" not in size})
    if draw(st.booleans()):
        return shape
    tree: dict[str, Tree] = {"shape": shape}
    if draw(st.booleans()):
        tree["dtype"] = draw(st.sampled_from(["float32", "float64", "int64", "bool", "bfloat16"]))
    for name in known:
        if draw(st.booleans()):
            least = draw(st.none() | st.integers(0, 40))
            conditions = {
                "min": least,
                "max": draw(st.none() | st.integers(64, 2**63 - 1)),
                "multiple_of": draw(st.none() | st.integers(1, 16)),
            }
            tree[name] = {k: v for k, v in conditions.items() if v is not None}
    return tree


@st.composite
def _definitions(
    draw: st.DrawFn, layers: Sequence[RegisteredLayer], max_items: int, depth: int
) -> dict[str, Tree]:
    """``requires``, ``params``, ``variants``, ``blocks``, ``init`` and ``tie``."""
    root: dict[str, Tree] = {"params": draw(_named_values(st.none() | values()))}
    if draw(st.booleans()):
        packages = st.sampled_from(["torch", "torch>=2, <99", "nobody-has-this>=1", "> no: #"])
        root["requires"] = draw(st.lists(packages, max_size=2))
    given = st.dictionaries(st.sampled_from(sorted(root["params"])), values(), max_size=2)  # type: ignore[call-overload]
    if root["params"] and draw(st.booleans()):
        root["variants"] = draw(st.dictionaries(names(), given, max_size=3))
    inner = _containers(layers, max_items, depth - 1)
    whole = st.fixed_dictionaries(
        {"layers": inner},
        optional={"params": _named_values(st.none() | values()), "let": _named_values(values())},
    )
    block = st.builds(lambda one, keys: {**one, **keys}, whole, _scope_keys(True))
    root["blocks"] = draw(st.dictionaries(st.sampled_from(BLOCKS), block, max_size=2))
    if draw(st.booleans()):
        root["init"] = draw(st.dictionaries(st.sampled_from(["linear", "nobody"]), _init()))
    if draw(st.booleans()):
        keys = st.sampled_from(["0.weight", "a.weight", "$x"]) | names()
        root["tie"] = draw(st.dictionaries(keys, keys, max_size=2))
    return root


def _named_values(value: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(VALUE_NAMES), value, max_size=2)


@st.composite
def _scope_keys(draw: st.DrawFn, has_inputs: bool = False) -> dict[str, Tree]:
    """What may stand beside ``layers``; mostly nothing."""
    keys: dict[str, Tree] = {}
    given = _references() | st.lists(_references(), min_size=1, max_size=3)
    outputs = given | st.dictionaries(names(), _references(), min_size=1, max_size=2)
    for word, strategy in (("outputs", outputs), ("auxiliary", outputs), ("register", given)):
        if draw(st.integers(0, 5)) == 5:
            keys[word] = draw(strategy)
    if has_inputs and draw(st.integers(0, 5)) == 5:
        keys["inputs"] = draw(st.lists(names(), min_size=1, max_size=2, unique=True))
    return keys


def _references() -> st.SearchStrategy[object]:
    known = ["input", "a", "b", "0", "a.output", "a.0", "*", "a*", "0*.x", 0]
    return st.sampled_from(known) | names() | computed()


def _init() -> st.SearchStrategy[object]:
    names_and_arguments = [
        {one.name: dict.fromkeys(one.declared.arguments, value)}
        for one in INITIALISERS
        for value in (1, "$w")
    ]
    initial = (
        st.sampled_from(["zeros", "xavier_uniform"])
        | st.integers(-3, 3)
        | st.floats(-1, 1)
        | expressions()
        | st.sampled_from(names_and_arguments)
    )
    names = st.sampled_from(["weight", "bias", "nobody"])
    return st.dictionaries(names, initial, min_size=1, max_size=2)


@st.composite
def _containers(
    draw: st.DrawFn, layers: Sequence[RegisteredLayer], max_items: int, depth: int
) -> Tree:
    items = [draw(_items(layers, max_items, depth)) for _ in range(draw(st.integers(0, max_items)))]
    if draw(st.booleans()):
        return dict(zip(draw(_keys(len(items))), items, strict=True))
    listed: list[Tree] = []
    for item in items:
        if draw(st.integers(0, 2)) < 2:
            listed.append(item)
        elif isinstance(item, dict):
            listed.append({"name": draw(names() | st.sampled_from(["a", "b", "$w"])), **item})
        else:
            listed.append({"name": draw(names()), "layers": [item]})
    return listed


def _keys(count: int) -> st.SearchStrategy[list[str]]:
    keys = names() | st.sampled_from(["a", "b"])
    return st.lists(keys, min_size=count, max_size=count, unique=True)


@st.composite
def _items(draw: st.DrawFn, layers: Sequence[RegisteredLayer], max_items: int, depth: int) -> Tree:
    leaves = ["layer"] * 8 + ["use", "from", "parameter", "merge"]
    kinds = leaves + (["list", "container", "composite", "each"] * 2 if depth else [])
    inner = _containers(layers, max_items, depth - 1)
    item: dict[str, Tree]
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "list":
            inside = draw(inner)
            return inside if isinstance(inside, list) else []  # a mapping would be an item
        case "container":
            item = {"layers": draw(inner), **draw(_scope_keys(True))}
        case "composite":
            item = draw(_composites(inner))
            kind = "composite" if _has_layers(item) else "wiring"
        case "each":
            entries = st.lists(values(), max_size=3) | expressions()
            one: dict[str, Tree] = {"in": draw(entries), "layers": draw(inner)}
            if draw(st.booleans()):
                named = st.lists(st.sampled_from(VALUE_NAMES), min_size=1, max_size=2, unique=True)
                one["as"] = draw(st.sampled_from(VALUE_NAMES) | named)
            item = {"each": one}
        case "use":
            item = {"use": draw(st.sampled_from(["a", "b", "0"]) | names())}
        case "from":
            return {"from": draw(_references() | st.lists(_references(), min_size=1, max_size=2))}
        case "parameter":
            shape = draw(st.lists(st.integers(0, 8) | st.just("$w"), max_size=3))
            item = {"parameter": shape}
        case "merge":
            word = draw(st.sampled_from([*sorted(MERGES), "concat"]))
            item = {word: None, "from": draw(st.lists(_references(), min_size=1, max_size=3))}
        case _:
            found = draw(_layers(layers))
            if isinstance(found, str):
                return found
            assert isinstance(found, dict)
            item = found
    return item | draw(_item_keys(kind))


def _has_layers(composite: dict[str, Tree]) -> bool:
    """Whether a composite has some: one without only wires what there is."""
    if composite.keys() & {"residual", "scale"}:
        return True
    (branches,) = composite.values()
    if isinstance(branches, dict):
        branches = branches["branches"]
    assert isinstance(branches, list)
    return any(branches)


@st.composite
def _composites(draw: st.DrawFn, inner: st.SearchStrategy[Tree]) -> dict[str, Tree]:
    word = draw(st.sampled_from(sorted(OPERATORS)))
    if word == "residual":
        body = draw(inner.filter(bool))
        both = {"body": body, "shortcut": draw(inner)}
        if draw(st.booleans()):
            both = dict(reversed(both.items()))
        is_body = not isinstance(body, dict) or not {"body", "shortcut"} & body.keys()
        return {word: body if is_body and draw(st.booleans()) else both}
    if word == "scale":
        return {word: draw(inner.filter(bool))}
    is_merge = word in MERGES
    operator = OPERATORS[word]
    least, most = (operator.least, operator.most or 3) if is_merge else (1, 3)
    branches = [draw(inner) for _ in range(draw(st.integers(least, most)))]
    if not is_merge:
        return {word: {"branches": branches, "dim": draw(st.integers(-3, 3))}}
    return {word: branches}


@st.composite
def _item_keys(draw: st.DrawFn, kind: str) -> dict[str, Tree]:
    """The reserved keys that have an effect beside an item of this kind; mostly none."""
    strategies: dict[str, st.SearchStrategy[object]] = {
        "repeat": st.integers(1, 4) | st.sampled_from(["$w", "$(w * 2)"]),
        "device": names() | st.just("$w"),
        "when": st.booleans() | expressions(),
        "from": _references() | st.lists(_references(), min_size=1, max_size=3),
        "let": _named_values(values()),
        "init": _init(),
        "freeze": st.booleans(),
    }
    return {
        word: draw(strategy)
        for word, strategy in strategies.items()
        if has_effect(word, kind) and draw(st.integers(0, 7)) == 7
    }


@st.composite
def _layers(draw: st.DrawFn, layers: Sequence[RegisteredLayer]) -> Tree:
    chosen = draw(st.sampled_from([*layers, None, None]))
    if chosen is not None:
        return layer_tree(chosen.layer.name, draw(arguments(chosen.layer)))
    word = draw(st.sampled_from([*BLOCKS, "unknown", "a b", "null", "1", "#", "$w", "bl$('ock')"]))
    written = st.dictionaries(names() | st.sampled_from(VALUE_NAMES), values(), max_size=3)
    return {word: draw(values() | written)}


def layer_tree(name: str, written: Arguments) -> Tree:
    """``relu`` or ``{linear: 10}`` or ``{linear: {out_features: 10}}``."""
    if not written:
        return name
    return {name: written[BARE] if BARE in written else dict(written)}
