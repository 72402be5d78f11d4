"""Strategies for whole specs whose layers fit together."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from netspec.api import from_dict
from netspec.declaration import TensorType
from netspec.diagnostics import Diagnostics, SpecError
from netspec.expansion import input_types, plan_layers
from netspec.registry import Registry
from netspec.spec import Layers, Spec
from netspec.testing.strategies import arguments
from netspec.testing.trees import Tree, layer_tree


def plain_names() -> st.SearchStrategy[str]:
    """Names that no module has as an attribute."""
    return st.sampled_from(["stem", "block-1", "head", "größe", "a b", "x1", "7", "no", "#"])


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
        kinds = ["layer"] * 8
        if depth:
            kinds += ["scope", "residual", "concat", "repeat", "merge", "split", "flow", "each"]
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
            case "merge":
                item = self.merge(type, depth)
            case "split":
                item = self.split(type, depth)
            case "flow":
                item = self.flow(type, depth)
            case "each":
                inner, _ = self.container(type, 2, depth - 1)
                items = list(inner.values()) if isinstance(inner, dict) else inner
                item = {"each": {"in": [3, 4], "as": "v", "layers": items}}
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

    def merge(self, type: TensorType, depth: int) -> Tree:
        """Branches of which the last leaves the value as it is, or is a parameter."""
        word = self.draw(st.sampled_from(["add", "sub", "mul", "matmul", "scale"]))
        body = self.container(type, 2, depth - 1)[0] or ["identity"]
        if word == "scale":
            return {word: body}
        last: list[Tree] = []
        if word != "matmul" and self.draw(st.integers(0, 3)) == 3:
            last = [{"name": "own", "parameter": [1] * self.draw(st.integers(0, 3))}]
        return {word: [body, last]}

    def split(self, type: TensorType, depth: int) -> Tree:
        dim = self.draw(st.integers(-1, 2))
        shape = list(type.shape)
        if -len(shape) <= dim < len(shape):
            shape[dim] = shape[dim] // 2
        part = TensorType(tuple(shape), type.dtype)
        branches = [self.container(part, 2, depth - 1)[0], []]
        return {"split": {"dim": dim, "branches": branches}}

    def flow(self, type: TensorType, depth: int) -> Tree:
        """A container of named values: two of its input, one of both, one called again."""
        first, _ = self.item(type, depth - 1)
        second, _ = self.item(type, depth - 1)
        word = self.draw(st.sampled_from(["add", "sub", "mul", "concat"]))
        layers: dict[str, Tree] = {
            "first": first,
            "second": {"from": "input", **_keyed(second)},
            "both": {word: None, "from": ["first", "second"]},
        }
        if self.draw(st.booleans()):
            layers["again"] = {"use": "first", "from": "input"}
            layers["all"] = {"add": None, "from": ["both", "again"]}
        item: dict[str, Tree] = {"layers": layers}
        if self.draw(st.booleans()):
            item["outputs"] = self.draw(st.sampled_from(["first", "second", ["both"]]))
        return item

    def given(self, item: Tree, type: TensorType) -> TensorType | None:
        """What the item makes of the type; None where it is refused, or much too large."""
        try:
            layers = from_dict({"netspec": 1, "input": [], "layers": [item]}).layers
        except SpecError:
            return None
        return applied(layers, type, self.registry)


def _keyed(item: Tree) -> dict[str, Tree]:
    """An item as a mapping, beside whose word reserved keys may stand."""
    return dict(item) if isinstance(item, Mapping) else {str(item): None}


def applied(layers: Layers, type: TensorType, registry: Registry) -> TensorType | None:
    """What layers make of a type; None where one of them is refused or gives much too much."""
    found = Diagnostics()
    origin = from_dict({"netspec": 1, "input": [], "layers": []}).origin
    planned = plan_layers(layers, type, origin, registry, found)
    if found.failed or planned is None:
        return None
    output = planned.outputs[0]
    known = 1
    for size in output.shape:
        known *= size if isinstance(size, int) else 8
    if known > 10**6:
        return None
    return output
