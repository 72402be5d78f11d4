"""The rows in which a plan is shown, equal blocks folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netspec.declaration import TensorType
from netspec.declaration.arguments import spelled
from netspec.planning import Plan, PlannedChild, PlannedLayer, PlannedParameter, PlannedScope, Step
from netspec.render.amounts import dense, number
from netspec.render.content import Contents, Entry, Run, runs
from netspec.render.totals import unless_beyond_limits
from netspec.sizes import Size

_NOTHING = object()


class Row(NamedTuple):
    """One line: a layer, a merge, a parameter of a container, or a container.

    ``depth`` counts the containers around it. ``call`` is the layer as the Builder writes it. Of
    parts that are folded the row is that of one of them, and ``name`` that of the first and last.
    """

    depth: int
    name: str
    call: str
    output: str
    params: str
    macs: str
    is_container: bool = False


def plan_rows(plan: Plan, depth: int | None = None, unfold: bool = False) -> list[Row]:
    """The rows of a plan in the order of computation.

    Args:
        depth: how many containers deep; what is deeper is counted in the row of its container.
        unfold: whether equal blocks that follow each other have rows of their own.
    """
    rows = _Rows(plan, depth, unfold)
    return list(rows.scope(plan.root, 0))


class _Rows:
    def __init__(self, plan: Plan, depth: int | None, unfold: bool) -> None:
        self.depth = depth
        self.unfold = unfold
        self.contents = Contents(plan.frozen)
        self.macs_of: dict[int, Size | None] = {}
        self.params_of: dict[int, int] = {}

    def scope(self, scope: PlannedScope, depth: int) -> Iterator[Row]:
        """Recursion is as deep as the nesting, at most 100."""
        entries = self.contents.entries(scope)
        folded = [Run([entry], (), [entry], 1) for entry in entries]
        for run in folded if self.unfold else runs(entries):
            for place, entry in enumerate(run.entries):
                yield from self.entry(entry, _label(run, place), run.times, depth)

    def entry(self, entry: Entry, label: str, count: int, depth: int) -> Iterator[Row]:
        part = entry.part
        times = f"({count} times, each)" if count > 1 else ""
        if isinstance(part, Step):
            macs = dense(number(part.macs)) if part.macs != 0 else ""
            yield Row(depth, label, times, _outputs(part.output_types), "", macs)
        elif isinstance(part, PlannedParameter):
            shape = f"[{', '.join(map(str, part.shape))}]"
            yield Row(depth, label, "parameter", shape, number(part.numel), "")
        elif isinstance(part, PlannedLayer):
            yield Row(
                depth,
                label + _device(part.device) + _again(part),
                f"{written(part)}{_trusted(part)}{self.frozen(part)} {times}".rstrip(),
                _outputs(part.outputs),
                number(part.params) if part.params else "",
                _macs(part),
            )
        else:
            yield from self.container(part, label, times, depth)

    def container(self, scope: PlannedScope, label: str, times: str, depth: int) -> Iterator[Row]:
        is_shut = self.depth is not None and depth + 1 >= self.depth
        count = _layer_count(scope) if is_shut else 0
        inside = f"{count} layer{'s' if count != 1 else ''}" if is_shut else ""
        params, macs = self.params(scope), self.macs(scope)
        yield Row(
            depth,
            label + _device(scope.device) + _again(scope),
            f"{inside} {times}".strip(),
            _outputs(scope.outputs) if is_shut else "",
            number(params) if params else "",
            dense(number(macs)) if macs not in (None, 0) else "",
            is_container=True,
        )
        if not is_shut:
            yield from self.scope(scope, depth + 1)

    def frozen(self, layer: PlannedLayer) -> str:
        """What stands beside a layer whose parameters, or some of them, are not trained."""
        names = self.contents.frozen_in(layer)
        if not names:
            return ""
        is_all = len(names) == len(layer.parameters)
        return " (frozen)" if is_all else f" (frozen: {', '.join(names)})"

    def params(self, child: PlannedChild) -> int:
        """The values of all parameters in a container; equal containers are counted once."""
        if isinstance(child, PlannedLayer):
            return child.params
        content = self.contents.of(child)
        if content not in self.params_of:
            own = sum(parameter.numel for parameter in child.parameters)
            inside = sum(self.params(one) for one in child.children)
            self.params_of[content] = 0 if child.is_reused else own + inside
        return self.params_of[content]

    def macs(self, child: PlannedChild) -> Size | None:
        """The multiply-adds of a call; None where the sum has too many terms to be written."""
        if isinstance(child, PlannedLayer):
            return child.macs
        content = self.contents.of(child)
        if content not in self.macs_of:
            self.macs_of[content] = unless_beyond_limits(lambda: self._macs(child))
        return self.macs_of[content]

    def _macs(self, scope: PlannedScope) -> Size | None:
        total: Size = 0
        for entry in self.contents.entries(scope):
            part = entry.part
            if isinstance(part, PlannedParameter) or (entry.step and entry.step.is_auxiliary):
                continue
            macs = part.macs if isinstance(part, Step) else self.macs(part)
            if macs is None:
                return None
            total = total + macs
        return total


def _layer_count(scope: PlannedScope) -> int:
    return sum(
        1 if isinstance(child, PlannedLayer) else _layer_count(child) for child in scope.children
    )


def _label(run: Run, place: int) -> str:
    """``0 … 79``, or ``0, 2 … 10`` for every second one."""
    first = _name(run.entries[place])
    if run.times == 1 or isinstance(run.entries[place].part, Step):
        return first
    last = _name(run.last[place])
    if run.times == 2:
        return f"{first}, {last}"
    return (
        f"{first} … {last}" if run.period == 1 else f"{first}, {_name(run.second[place])} … {last}"
    )


def _name(entry: Entry) -> str:
    return f"({entry.part.kind})" if isinstance(entry.part, Step) else entry.part.name


def _outputs(types: Sequence[TensorType]) -> str:
    return ", ".join(dense(type) for type in types)


def _device(device: str | None) -> str:
    return f" @{device}" if device else ""


def _again(child: PlannedChild) -> str:
    """What stands beside a further call of the same child."""
    return " (again)" if child.is_reused else ""


def _trusted(child: PlannedLayer) -> str:
    """What stands beside a layer whose shapes are not those of a rule."""
    return "" if child.trust == "rule" else f" ({child.trust})"


def written(layer: PlannedLayer) -> str:
    """The layer as a call, as with the Builder: ``conv2d(64, 3, padding=1)``.

    Without the arguments that are inferred, and those that are as they are by default.
    """
    type = layer.application.type
    bare = (type.obvious_argument,) if type.obvious_argument is not None else type.required
    given = {
        name: spelled(value)
        for name, value in layer.application.written.items()
        if name not in type.inferred and type.defaults.get(name, _NOTHING) != value
    }
    shown = [given.pop(name) for name in bare if name in given]
    shown += [f"{name}={value}" for name, value in given.items()]
    return f"{type.name}({', '.join(shown)})" if shown else type.name


def _macs(layer: PlannedLayer) -> str:
    if not layer.application.is_counted:
        return "not counted"
    return dense(number(layer.macs)) if layer.macs != 0 else ""
