"""Spec to concrete children: repeats are written out, names given, composites wired."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics
from netspec.expansion.expanded import Call, Child, Leaf, Merge, Scope, Step
from netspec.expansion.module_names import TAKEN_NAMES
from netspec.source.collector import without_collector
from netspec.spec import Concat, Item, Layer, Layers, Origin, Part, Residual, Spec

MAX_LAYERS = 50_000  # a model of more modules is a mistake in a `repeat:`


@without_collector
def expand(spec: Spec, found: Diagnostics) -> Scope:
    """The root scope. Where the layers are too many, each repeat is one copy (and an error)."""
    builder = _ScopeBuilder("", None, found, unroll=not _too_many(spec.layers, spec.origin, found))
    builder.chain(spec.layers, builder.inputs(len(spec.inputs)), None)
    return builder.scope("", spec.origin)


def expand_item(item: Item, unnamed: int, origin: Origin, found: Diagnostics) -> tuple[Scope, int]:
    """A root of one more item, after ``unnamed`` children without a name, and their number then."""
    layers = Layers((item,))
    builder = _ScopeBuilder("", None, found, unroll=not _too_many(layers, origin, found))
    builder.unnamed = unnamed
    builder.chain(layers, builder.inputs(1), None)
    return builder.scope("", origin), builder.unnamed


def _too_many(layers: Layers, origin: Origin, found: Diagnostics) -> bool:
    """Counts before the work is done: a ``repeat: 1000000000`` is found without unrolling it."""

    def count(part: Part, reported: list[Item]) -> int:
        if isinstance(part, Layer):
            return 1
        if isinstance(part, Layers):
            groups: tuple[Layers, ...] = (part,)
        elif isinstance(part, Residual):
            groups = (part.body, part.shortcut)
        else:
            groups = part.branches
        total = 1
        for group in groups:
            for item in group.items:
                inner = 1 if isinstance(item.part, Layer) else count(item.part, reported)
                if item.repeat is not None:
                    inner *= item.repeat
                    if inner > MAX_LAYERS and not reported:
                        reported.append(item)
                total += inner
        return total

    reported: list[Item] = []
    total = count(layers, reported)
    if total <= MAX_LAYERS:
        return False
    span = reported[0].origin.reserved("repeat") if reported else origin.span()
    found.error(
        "too-many-layers",
        f"the model would have {total:,} layers; the most is {MAX_LAYERS:,}",
        span,
    )
    return True


class _ScopeBuilder:
    """Collects the children and the steps of one scope."""

    def __init__(self, path: str, device: str | None, found: Diagnostics, unroll: bool) -> None:
        self.path = path
        self.prefix = f"{path}." if path else ""
        self.device = device
        self.found = found
        self.unroll = unroll
        self.children: list[Child] = []
        self.steps: list[Step] = []
        self.names: dict[str, Origin] = {}
        self.unnamed = 0
        self.values = 0
        self.is_chain = True  # as long as it is, nobody needs the steps

    def inputs(self, count: int) -> int:
        """Numbers the scope's inputs; gives the first."""
        self.values = max(count, 1)
        return 0

    def scope(self, name: str, origin: Origin) -> Scope:
        """The finished scope; what the last step gave is its result."""
        steps = None if self.is_chain else tuple(self.steps)
        return Scope(
            name, self.path, tuple(self.children), steps, (self.last,), self.device, origin
        )

    # ---- wiring: each method takes the number of a value and gives the number of its result

    def chain(self, layers: Layers, value: int, device: str | None) -> int:
        for item in layers.items:
            value = self.item(item, value, item.device or device)
        self.last = value
        return value

    def item(self, item: Item, value: int, device: str | None) -> int:
        part = item.part
        if (
            item.name is None
            and item.repeat is None
            and (part.__class__ is Residual or part.__class__ is Concat)
        ):
            return self.composite(part, item.origin, value, device)
        name = self.named(item)
        device = device or self.device
        child: Child
        if item.repeat is not None:
            child = self.repeated(item, name, device)
        elif isinstance(part, Layer):
            child = Leaf(name, self.prefix + name, part, device, item.origin)
        else:
            child = self.inner(part, name, self.prefix + name, device, item.origin)
        return self.call(child, value)

    def call(self, child: Child, value: int) -> int:
        result = self.values
        self.values = result + 1
        if not self.is_chain:
            self.steps.append(Call(len(self.children), (value,), (result,)))
        self.children.append(child)
        return result

    def composite(self, part: Part, origin: Origin, value: int, device: str | None) -> int:
        """Wires a composite's layers as children of this scope; it makes no module."""
        if self.is_chain:
            self.is_chain = False
            self.steps = self.chain_steps()
        if isinstance(part, Residual):
            body = self.chain(part.body, value, device)
            shortcut = self.chain(part.shortcut, value, device)
            return self.merge(Merge("add", (body, shortcut), (self.values,), None, origin))
        assert isinstance(part, Concat)
        values = tuple([self.chain(branch, value, device) for branch in part.branches])
        return self.merge(Merge("concat", values, (self.values,), part.dim, origin))

    def chain_steps(self) -> list[Step]:
        """The steps of a chain: each child is called with what the one before gave."""
        first = self.values - len(self.children)  # what the first child gives; it got the input
        return [
            Call(index, (first + index - 1 if index else 0,), (first + index,))
            for index in range(len(self.children))
        ]

    def merge(self, step: Merge) -> int:
        self.values += 1
        self.steps.append(step)
        return step.outputs[0]

    # ---- children

    def inner(self, part: Part, name: str, path: str, device: str | None, origin: Origin) -> Scope:
        """A scope of its own: nested layers, or a composite that has a name."""
        builder = _ScopeBuilder(path, device, self.found, self.unroll)
        start = builder.inputs(1)
        if isinstance(part, Layers):
            builder.chain(part, start, None)
        else:
            builder.last = builder.composite(part, origin, start, None)
        return builder.scope(name, origin)

    def repeated(self, item: Item, name: str, device: str | None) -> Scope:
        """One container of ``repeat`` copies, so that keys are predictable."""
        builder = _ScopeBuilder(self.prefix + name, device, self.found, self.unroll)
        value = builder.inputs(1)
        assert item.repeat is not None
        for index in range(item.repeat if self.unroll else 1):
            copy = str(index)
            path = builder.prefix + copy
            child: Child
            if isinstance(item.part, Layer):
                child = Leaf(copy, path, item.part, device, item.origin)
            else:
                child = builder.inner(item.part, copy, path, device, item.origin)
            value = builder.call(child, value)
        builder.last = value
        return builder.scope(name, item.origin)

    def named(self, item: Item) -> str:
        """The child's name: its own, or its number among the children without one."""
        name = item.name
        if name is None:
            name = str(self.unnamed)
            self.unnamed += 1
        elif name in TAKEN_NAMES:
            self.found.error(
                "taken-name",
                f"no child can be called {name!r}: every torch.nn.Module has an attribute "
                "of that name",
                item.origin.reserved("name"),
                help=[f"call it {name.strip('_') or 'layer'}_1"],
            )
        first = self.names.setdefault(name, item.origin)
        if first is not item.origin:
            place = first.reserved("name").locate()
            self.found.error(
                "name-twice",
                f"two children of {self.path or 'the model'} are called {name!r}",
                item.origin.reserved("name"),
                notes=[f"the first is at {place}"],
                help=["give one of them another name"],
            )
        return name
