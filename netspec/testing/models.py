"""Strategies for whole specs whose layers fit together."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from hypothesis import strategies as st

from netspec.api import from_dict
from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import Diagnostics, SpecError
from netspec.expansion import input_types, plan_layers
from netspec.graph import Application, Body, Graph
from netspec.operators import MERGES, OPERATORS
from netspec.registry import Registry
from netspec.spec import Spec
from netspec.testing.strategies import arguments, documented_ranks
from netspec.testing.trees import Tree, layer_tree

#: Operators that take two values of one shape.
JOINS = (*sorted(word for word in MERGES if OPERATORS[word].is_elementwise), "concat")


def plain_names() -> st.SearchStrategy[str]:
    """Names that no module has as an attribute."""
    few = st.sampled_from(["stem", "block-1", "head", "größe", "a b", "x1", "7", "no", "#"])
    return few | st.integers(2, 99).map(lambda number: f"x{number}")


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
    input: dict[str, Tree] = {"shape": shape, "dtype": dtype}
    for size in shape:
        if isinstance(size, str) and draw(st.booleans()):
            input[size] = draw(size_ranges())
    root: dict[str, Tree] = {"netspec": 1, "input": input}
    start = from_dict({**root, "layers": []})
    (type,) = input_types(start.inputs, {}, start.origin, Diagnostics()).values()
    assert type is not None
    model = _Model(draw, registry, draw(st.integers(0, 9)) == 9)
    root["layers"], _ = model.container(type, max_items, depth)
    return from_dict(root)


@st.composite
def size_ranges(draw: st.DrawFn) -> dict[str, int]:
    """What ``input`` states of a named size: any of ``min``, ``max`` and ``multiple_of``."""
    stated = {
        "min": draw(st.none() | st.integers(0, 20)),
        "max": draw(st.none() | st.integers(32, 60)),
        "multiple_of": draw(st.sampled_from([None, 2, 3, 4, 8])),
    }
    return {key: value for key, value in stated.items() if value is not None}


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
            kinds += ["skip"] * 2
            kinds += ["several"] * 2
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
            case "skip":
                item = self.skip(type)
            case "several":
                item = self.several(type)
            case "each":
                inner, _ = self.container(type, 2, depth - 1)
                items = list(inner.values()) if isinstance(inner, dict) else inner
                item = {"each": {"in": [3, 4], "as": "v", "layers": items}}
            case _:
                known = self.fitting(type)
                if not known:  # no documentation shows tensors of so many sizes
                    return "identity", type
                for _ in range(6):
                    layer = self.draw(st.sampled_from(known))
                    written = arguments(layer, input=type, legal=None if self.careless else True)
                    item = layer_tree(layer.name, self.draw(written))
                    given = self.given(item, type)
                    if given is not None:
                        return item, given
                return item, None
        return item, self.given(item, type)

    def fitting(self, type: TensorType, inputs: int = 1) -> list[LayerType]:
        """The layers of so many inputs whose documentation shows tensors of this rank."""
        if self.careless:
            return self.layers
        return [
            layer
            for layer in self.layers
            if layer.required_inputs <= inputs <= len(layer.inputs)
            and type.rank in documented_ranks(layer)
        ]

    def several(self, type: TensorType) -> Tree:
        """A layer of several inputs, all made of one value; and one of its outputs."""
        number = self.draw(st.integers(1, 3))
        # Stacks of transformers look at the values of masks, and meta has none.
        known = [
            layer
            for layer in self.fitting(type, number)
            if not any(name.endswith("mask") for name in layer.inputs[:number])
        ]
        if not known:
            return "identity"
        layer = self.draw(st.sampled_from(known))
        written = self.draw(arguments(layer, input=type, legal=None if self.careless else True))
        call = {**_keyed(layer_tree(layer.name, written)), "from": ["input"] * number}
        item: dict[str, Tree] = {"layers": {"other": "identity", "call": call}}
        names = self.output_names(item, type)
        if len(names) > 1:
            picked = [f"call.{name}" for name in names]
            item["outputs"] = self.draw(st.sampled_from(picked))
        return item

    def output_names(self, item: Tree, type: TensorType) -> tuple[str, ...]:
        """What the outputs of the last layer of an item are called."""
        planned: Body | None = self.planned(item, type)
        while isinstance(planned, Graph):
            planned = planned.children[-1].body if planned.children else None
        return planned.output_names if isinstance(planned, Application) else ()

    def merge(self, type: TensorType, depth: int) -> Tree:
        """Branches of which the last leaves the value as it is, or is a parameter."""
        word = self.draw(st.sampled_from([*sorted(MERGES), "scale"]))
        body = self.container(type, 2, depth - 1)[0] or ["identity"]
        if word == "scale":
            return {word: body}
        last: list[Tree] = []
        if OPERATORS[word].is_elementwise and self.draw(st.integers(0, 3)) == 3:
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
        word = self.draw(st.sampled_from(JOINS))
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

    def skip(self, type: TensorType) -> Tree:
        """A chain of which an earlier value is joined with the last one."""
        inner, _ = self.container(type, 4, 0, least=2)
        assert isinstance(inner, dict | list)
        items = list(inner.values()) if isinstance(inner, dict) else inner
        layers: dict[str, Tree] = {f"x{number}": item for number, item in enumerate(items)}
        names = ["input", *layers]
        word = self.draw(st.sampled_from(JOINS))
        joined: list[Tree] = [names[-1], self.draw(st.sampled_from(names))]
        return {"layers": {**layers, "joined": {word: None, "from": joined}}}

    def given(self, item: Tree, type: TensorType) -> TensorType | None:
        """What the item makes of the type; None where it is refused, or much too large."""
        planned = self.planned(item, type)
        if planned is None or any(_count(output) > 10**6 for output in planned.outputs):
            return None
        return planned.outputs[0]

    def planned(self, item: Tree, type: TensorType) -> Graph | None:
        """A container of the item alone; None where it is refused."""
        try:
            start = from_dict({"netspec": 1, "input": [], "layers": [item]})
        except SpecError:
            return None
        found = Diagnostics()
        planned = plan_layers(start.layers, type, start.origin, self.registry, found)
        return None if found.failed else planned


def _count(type: TensorType) -> int:
    """The number of values, with 8 for each named size."""
    return prod(size if isinstance(size, int) else 8 for size in type.shape)


def _keyed(item: Tree) -> dict[str, Tree]:
    """An item as a mapping, beside whose word reserved keys may stand."""
    return dict(item) if isinstance(item, Mapping) else {str(item): None}
