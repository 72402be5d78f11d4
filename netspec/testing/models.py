"""Strategies for whole specs, as trees of dicts and lists and as Specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from netspec.api import from_dict
from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics, SpecError
from netspec.expansion import input_types, plan_layers
from netspec.registry import Registry
from netspec.spec import Layers, Spec
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


def plain_names() -> st.SearchStrategy[str]:
    """Names that no module has as an attribute."""
    return st.sampled_from(["stem", "block-1", "head", "größe", "a b", "x1", "7", "no", "#"])


def values() -> st.SearchStrategy[object]:
    """Any value that an argument can have in the language, and no nan: it equals nothing."""
    numbers = st.integers() | st.floats(allow_nan=False)
    leaves = (
        st.none()
        | st.booleans()
        | numbers
        | st.text(max_size=8).map(plain_text)
        | st.sampled_from(AWKWARD)
    )
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@st.composite
def trees(draw: st.DrawFn, registry: Registry, *, max_items: int = 4, depth: int = 3) -> Tree:
    """Specs whose grammar is right; the layers may be unknown, and rarely fit together."""
    root: dict[str, Tree] = {"netspec": 1, "input": draw(_inputs())}
    if draw(st.booleans()):
        root["name"] = draw(names() | st.text(max_size=30))
    root["layers"] = draw(_containers(list(registry.layers().values()), max_items, depth))
    return root


@st.composite
def _inputs(draw: st.DrawFn) -> Tree:
    size = st.integers(0, 64) | st.sampled_from(["N", "H", "W", "T", "Batch_size", 2**63 - 1])
    shape = draw(st.lists(size, max_size=5))
    known = sorted({size for size in shape if isinstance(size, str)})
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
def _containers(draw: st.DrawFn, layers: Sequence[object], max_items: int, depth: int) -> Tree:
    items = [draw(_items(layers, max_items, depth)) for _ in range(draw(st.integers(0, max_items)))]
    if draw(st.booleans()):
        return dict(zip(draw(_keys(len(items))), items, strict=True))
    listed: list[Tree] = []
    for item in items:
        if draw(st.integers(0, 2)) < 2:
            listed.append(item)
        elif isinstance(item, dict):
            listed.append({"name": draw(names()), **item})
        else:
            listed.append({"name": draw(names()), "layers": [item]})
    return listed


def _keys(count: int) -> st.SearchStrategy[list[str]]:
    return st.lists(names(), min_size=count, max_size=count, unique=True)


@st.composite
def _items(draw: st.DrawFn, layers: Sequence[object], max_items: int, depth: int) -> Tree:
    kinds = ["layer"] * 5 + (["list", "layers", "residual", "concat"] if depth else [])
    inner = _containers(layers, max_items, depth - 1)
    match draw(st.sampled_from(kinds)):
        case "list":
            inside = draw(inner)
            return inside if isinstance(inside, list) else []  # a mapping would be an item
        case "layers":
            item: Tree = {"layers": draw(inner)}
        case "residual":
            body = draw(inner.filter(bool))
            shortcut = {"body": body, "shortcut": draw(inner)}
            is_body = not isinstance(body, dict) or not {"body", "shortcut"} & body.keys()
            item = {"residual": body if is_body and draw(st.booleans()) else shortcut}
        case "concat":
            branches = draw(st.lists(inner, min_size=1, max_size=3))
            dim = draw(st.integers(-3, 3))
            item = {"concat": draw(st.just({"branches": branches, "dim": dim}))}
        case _:
            item = draw(_layers(layers))
            if isinstance(item, str):
                return item
    assert isinstance(item, dict)
    if draw(st.integers(0, 3)) == 3:
        item["repeat"] = draw(st.integers(1, 4))
    if draw(st.integers(0, 5)) == 5:
        item["device"] = draw(names())
    return item


@st.composite
def _layers(draw: st.DrawFn, layers: Sequence[object]) -> Tree:
    from netspec.registry import RegisteredLayer

    chosen = draw(st.sampled_from([*layers, None]))
    if isinstance(chosen, RegisteredLayer):
        return layer_tree(chosen.layer.name, draw(arguments(chosen.layer)))
    word = draw(st.sampled_from(["unknown", "größe", "a b", "null", "1", "#"]))
    written = st.dictionaries(names(), values(), max_size=3)
    return {word: draw(values() | written)}


def layer_tree(name: str, written: Arguments) -> Tree:
    """``relu`` or ``{linear: 10}`` or ``{linear: {out_features: 10}}``."""
    if not written:
        return name
    return {name: written[BARE] if BARE in written else dict(written)}


# ---- specs that fit together


@st.composite
def specs(
    draw: st.DrawFn,
    registry: Registry,
    *,
    max_items: int = 5,
    depth: int = 2,
    symbolic: bool | None = None,
) -> Spec:
    """Specs whose layers are chosen to fit what reaches them; a few of them do not."""
    shape: list[Tree] = list(draw(st.sampled_from(_SHAPES)))
    named = draw(st.booleans()) if symbolic is None else symbolic
    if named:
        for at, name in zip(range(len(shape)), ("N", "C", "H", "W"), strict=False):
            if at == 0 or (at > 1 and draw(st.booleans())):
                shape[at] = name
    dtype = draw(st.sampled_from(["float32"] * 6 + ["int64"]))
    root: dict[str, Tree] = {"netspec": 1, "input": {"shape": shape, "dtype": dtype}}
    start = from_dict({**root, "layers": []})
    (type,) = input_types(start.inputs, {}, start.origin, Diagnostics()).values()
    assert type is not None
    model = _Model(draw, registry, draw(st.integers(0, 9)) == 9)
    root["layers"], _ = model.container(type, max_items, depth)
    return from_dict(root)


_SHAPES = (
    (2, 3, 8, 8), (2, 8), (1, 4, 16), (0, 2, 12, 9), (3, 6), (2, 3, 5), (2, 2, 6, 6, 6), (4,),
)  # fmt: skip


class _Model:
    """Draws items one after the other, each for the type that the one before gives."""

    def __init__(self, draw: st.DrawFn, registry: Registry, careless: bool) -> None:
        self.draw = draw
        self.registry = registry
        self.layers = [found.layer for found in registry.layers().values()]
        self.careless = careless

    def container(
        self, type: TensorType, max_items: int, depth: int, least: int = 0
    ) -> tuple[Tree, TensorType]:
        """A list, or a mapping, of items that fit; and what it gives."""
        items: list[Tree] = []
        for _ in range(self.draw(st.integers(least, max_items))):
            item, given = self.item(type, depth)
            if given is None and not self.careless:
                continue
            items.append(item)
            type = given or type
        unique = st.lists(plain_names(), min_size=len(items), max_size=len(items), unique=True)
        if self.draw(st.booleans()):
            return dict(zip(self.draw(unique), items, strict=True)), type
        return items, type

    def item(self, type: TensorType, depth: int) -> tuple[Tree, TensorType | None]:
        kinds = ["layer"] * 6 + (["scope", "residual", "concat", "repeat"] if depth else [])
        item: Tree
        match self.draw(st.sampled_from(kinds)):
            case "scope":
                inner, _ = self.container(type, 3, depth - 1)
                item = {"layers": inner}
            case "residual":
                body, after = self.container(type, 2, depth - 1)
                item = {"residual": {"body": body or ["identity"]}}
                if after != type:
                    item = {"residual": {"body": body, "shortcut": body}}
                    if isinstance(body, Mapping):
                        renamed = {f"{name}_": inner for name, inner in body.items()}
                        item = {"residual": {"body": body, "shortcut": renamed}}
            case "concat":
                branches = [self.container(type, 2, depth - 1)[0]]
                branches += [[]] if self.draw(st.booleans()) else [["identity"]]
                dim = self.draw(st.integers(-1, 2))
                item = {"concat": {"branches": branches, "dim": dim}}
            case "repeat":
                inner, _ = self.container(type, 2, depth - 1)
                item = {"layers": inner, "repeat": self.draw(st.integers(1, 3))}
            case _:
                for _ in range(6):
                    layer = self.draw(st.sampled_from(self.layers))
                    written = arguments(layer, legal=None if self.careless else True)
                    item = layer_tree(layer.name, self.draw(written))
                    given = self.given(item, type)
                    if given is not None:
                        return item, given
                return item, None
        return item, self.given(item, type)

    def given(self, item: Tree, type: TensorType) -> TensorType | None:
        """What the item makes of the type; None where it is refused, or much too large."""
        try:
            layers = from_dict({"netspec": 1, "input": [], "layers": [item]}).layers
        except SpecError:
            return None
        return applied(layers, type, self.registry)


def applied(layers: Layers, type: TensorType, registry: Registry) -> TensorType | None:
    """What layers make of a type; None where one of them is refused or gives much too much."""
    found = Diagnostics()
    origin = from_dict({"netspec": 1, "input": [], "layers": []}).origin
    planned = plan_layers(layers, type, origin, registry, found)
    if found.failed or planned is None:
        return None
    (output,) = planned.outputs
    known = 1
    for size in output.shape:
        known *= size if isinstance(size, int) else 8
    if known > 10**6:
        return None
    return output
