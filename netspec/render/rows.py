"""The rows in which a plan is shown, equal blocks folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netspec.amounts import dense, number
from netspec.declaration import TensorType
from netspec.declaration.arguments import spelled
from netspec.graph import Application, Graph, Operation, OwnParameter
from netspec.planning import Plan
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
    return list(rows.graph(plan.graph, "", False, 0))


class _Rows:
    def __init__(self, plan: Plan, depth: int | None, unfold: bool) -> None:
        self.depth = depth
        self.unfold = unfold
        self.contents = Contents(plan.frozen)

    def graph(self, graph: Graph, prefix: str, is_again: bool, depth: int) -> Iterator[Row]:
        """Recursion is as deep as the nesting, at most 100."""
        entries = self.contents.entries(graph, prefix, is_again)
        folded = [Run([entry], (), [entry], 1) for entry in entries]
        for run in folded if self.unfold else runs(entries):
            for place, entry in enumerate(run.entries):
                yield from self.entry(entry, _label(run, place), run.times, depth)

    def entry(self, entry: Entry, label: str, count: int, depth: int) -> Iterator[Row]:
        body = entry.node.body
        times = f"({count} times, each)" if count > 1 else ""
        if isinstance(body, Operation):
            yield Row(depth, label, times, _outputs(body.outputs), "", _macs(body.macs))
        elif isinstance(body, OwnParameter):
            shape = f"[{', '.join(map(str, body.shape))}]"
            yield Row(depth, label, "parameter", shape, number(body.parameter_count), "")
        elif isinstance(body, Application):
            params = 0 if entry.is_again else body.parameter_count
            frozen = self.frozen(entry.path, body)
            yield Row(
                depth,
                label + _marks(entry),
                f"{written(body)}{_trusted(body)}{frozen} {times}".rstrip(),
                _outputs(body.outputs),
                number(params) if params else "",
                _macs(body.macs) if body.is_counted else "not counted",
            )
        else:
            yield from self.container(entry, body, label, times, depth)

    def container(
        self, entry: Entry, graph: Graph, label: str, times: str, depth: int
    ) -> Iterator[Row]:
        is_shut = self.depth is not None and depth + 1 >= self.depth
        count = _layer_count(graph) if is_shut else 0
        inside = f"{count} layer{'s' if count != 1 else ''}" if is_shut else ""
        params = 0 if entry.is_again else graph.parameter_count
        macs = unless_beyond_limits(lambda: graph.macs)
        yield Row(
            depth,
            label + _marks(entry),
            f"{inside} {times}".strip(),
            _outputs(graph.outputs) if is_shut else "",
            number(params) if params else "",
            "" if macs is None else _macs(macs),
            is_container=True,
        )
        if not is_shut:
            yield from self.graph(graph, f"{entry.path}.", entry.is_again, depth + 1)

    def frozen(self, path: str, layer: Application) -> str:
        """What stands beside a layer whose parameters, or some of them, are not trained."""
        names = self.contents.frozen_in(path, layer)
        if not names:
            return ""
        is_all = len(names) == len(layer.parameters)
        return " (frozen)" if is_all else f" (frozen: {', '.join(names)})"


def _layer_count(graph: Graph) -> int:
    bodies = [node.body for node in graph.children]
    return sum(_layer_count(body) if isinstance(body, Graph) else 1 for body in bodies)


def _label(run: Run, place: int) -> str:
    """``0 … 79``, or ``0, 2 … 10`` for every second one."""
    first = _name(run.entries[place])
    if run.times == 1 or isinstance(run.entries[place].node.body, Operation):
        return first
    last = _name(run.last[place])
    if run.times == 2:
        return f"{first}, {last}"
    return (
        f"{first} … {last}" if run.period == 1 else f"{first}, {_name(run.second[place])} … {last}"
    )


def _name(entry: Entry) -> str:
    return f"({entry.node.name})" if isinstance(entry.node.body, Operation) else entry.node.name


def _outputs(types: Sequence[TensorType]) -> str:
    return ", ".join(dense(type) for type in types)


def _marks(entry: Entry) -> str:
    """What stands beside a layer or container: its device, and whether it is called again."""
    device = f" @{entry.node.device}" if entry.node.device else ""
    return f"{device} (again)" if entry.is_again else device


def _trusted(layer: Application) -> str:
    """What stands beside a layer whose shapes are not those of a rule."""
    return "" if layer.trust == "rule" else f" ({layer.trust})"


def written(layer: Application) -> str:
    """The layer as a call, as with the Builder: ``conv2d(64, 3, padding=1)``.

    Without the arguments that are inferred, and those that are as they are by default.
    """
    type = layer.type
    bare = (type.obvious_argument,) if type.obvious_argument is not None else type.required
    given = {
        name: spelled(value)
        for name, value in layer.written.items()
        if name not in type.inferred and type.defaults.get(name, _NOTHING) != value
    }
    shown = [given.pop(name) for name in bare if name in given]
    shown += [f"{name}={value}" for name, value in given.items()]
    return f"{type.name}({', '.join(shown)})" if shown else type.name


def _macs(macs: Size) -> str:
    return dense(number(macs)) if macs != 0 else ""
