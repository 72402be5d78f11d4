"""What the layers of one rank keep and compute with, over a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from netspec.accounting.choices import Choices
from netspec.accounting.kinds import Pipeline
from netspec.accounting.shards import Held
from netspec.accounting.sizes import Saved, Sized
from netspec.accounting.steps import in_steps
from netspec.accounting.timeline import Bytes, Usage, run
from netspec.accounting.trace import Step, Trace
from netspec.placement.layout import Layout
from netspec.planning.costs import Storage


def checkpointed(layout: Layout) -> list[str]:
    """The modules whose values are computed again: of each such layer the one that is named.

    A strategy that marks layers without a module around them has each of them by itself.
    """
    named = [
        path
        for action in layout.actions
        if action.word == "checkpoint"
        for path in action.settings.get("layers", ())
    ]
    alone = [
        path
        for path, placed in layout.layers.items()
        if placed.is_recomputed and not any(f"{path}.".startswith(f"{one}.") for one in named)
    ]
    return [*named, *alone]


def activations(
    layout: Layout,
    forward: Trace,
    choices: Choices,
    pipeline: Pipeline | None,
    places: Mapping[str, int],
    is_mine: Callable[[str], bool],
    device_of: Callable[[str], str],
    parts: Mapping[str, Held],
) -> Usage:
    """The bytes of one rank, where a pipeline keeps several microbatches at once."""
    if choices.sizes is None:
        return Usage()
    sizes = dict(choices.sizes)
    in_flight = 1.0
    if pipeline is not None:
        forward = _of_stages(forward, is_mine)
        if choices.batch_name is not None:
            sizes[choices.batch_name] = -(-sizes[choices.batch_name] // pipeline.microbatches)
            in_flight = pipeline.in_flight(places[pipeline.axis])
    split = _Split(layout, forward)
    sized = Sized(sizes, _computed_in(layout) or choices.dtype)
    dtypes = {path: placed.dtype for path, placed in layout.layers.items() if placed.dtype}
    of_dtype = {dtype: Sized(sizes, dtype) for dtype in dtypes.values()}
    by_path = {path: of_dtype[dtype] for path, dtype in dtypes.items()}
    made_by = {
        id(storage): by_path[operation.path]
        for operation in forward.operations
        if operation.path in by_path
        for storage in operation.outputs
    }

    def saved_of(operation: Step) -> Saved:
        if operation.application is None:
            return Saved((), 0)
        on_cpu = device_of(operation.path).startswith("cpu")
        return by_path.get(operation.path, sized).saved(operation.application, on_cpu)

    def kept(operation: Step) -> Sequence[Storage]:
        storages = operation.kept or operation.named(saved_of(operation).names)
        return [storage for storage in storages if not storage.is_counted]

    def nbytes(storage: Storage) -> int:
        return made_by.get(id(storage), sized).nbytes(storage.type) // split.of(storage)

    def scratch(operation: Step) -> tuple[int, int] | None:
        application = operation.application
        if operation.scratch is not None or application is None or application.scratch is None:
            return operation.scratch
        here = by_path.get(operation.path, sized)
        ranks = split.inside(operation)
        return here.nbytes_of(application.scratch[0]) // ranks, here.nbytes_of(
            application.scratch[1]
        ) // ranks

    stepwise: list[Step] = []
    last_steps: dict[int, Step] = {}
    holds: list[tuple[Storage, Step]] = []
    for operation in forward.operations:
        here = by_path.get(operation.path, sized)
        is_whole = split.inside(operation) == 1
        steps, held = (
            in_steps(operation, here.nbytes_of, choices.is_training)
            if is_whole
            else ([operation], [])
        )
        last_steps[id(operation)] = steps[-1]
        holds += held
        stepwise += steps
    forward = Trace(
        forward.inputs,
        forward.outputs,
        tuple(stepwise),
        forward.group_inputs,
        (
            *holds,
            *[(one, last_steps[id(at)]) for one, at in forward.holds if id(at) in last_steps],
        ),
    )
    ask = Bytes(
        of=nbytes,
        kept=kept,
        saved=lambda operation: saved_of(operation).nbytes // split.inside(operation),
        scratch=scratch,
        gradient=lambda key: (
            parts[key].nbytes if key in parts and parts[key].tensor.is_trained else 0
        ),
        device=device_of,
    )
    usage = run(forward, ask, choices.is_training)
    if in_flight != 1 and choices.is_training:
        for device, one in list(usage.saved.items()):
            more = round(one * (in_flight - 1))
            usage.saved[device] += more
            usage.peak[device] += more
    return usage


def _computed_in(layout: Layout) -> str | None:
    """The dtype in which FSDP2's groups compute, where it is another than that of the weights."""
    dtypes = [one.settings["param_dtype"] for one in layout.actions if one.word == "fsdp"]
    return dtypes[0] if dtypes else None


def _of_stages(forward: Trace, is_mine: Callable[[str], bool]) -> Trace:
    """The operations of one rank, with what they get from others and send to them."""
    mine = [one for one in forward.operations if is_mine(one.path)]
    others = [one for one in forward.operations if not is_mine(one.path)]
    made = {id(storage) for one in mine for storage in one.outputs}
    wanted = {id(storage) for one in others for storage in one.inputs}
    wanted |= {id(storage) for storage in forward.outputs}
    inputs = {id(s): s for one in mine for s in one.inputs if id(s) not in made}
    outputs = {id(s): s for one in mine for s in one.outputs if id(s) in wanted}
    return Trace(
        tuple(inputs.values()),
        tuple(outputs.values()),
        tuple(mine),
        forward.group_inputs,
        forward.holds,
    )


class _Split:
    """By how many ranks values are divided that tensor parallel layers make.

    A layer whose weights are split by rows of ``weight`` (columns of the product) makes parts of
    its output, and layers without weights keep them so; one that is split the other way sums them
    up. A layer that is both, as attention, divides what is inside of it. Where `tensor_parallel`
    gathers an output, it is whole.
    """

    def __init__(self, layout: Layout, forward: Trace) -> None:
        sharded = {
            axis
            for action in layout.actions
            if action.word == "fsdp"
            for axis in action.settings["axes"]
        }
        gathered = {
            path
            for action in layout.actions
            if action.word == "tensor_parallel"
            for path, style in action.settings["styles"].items()
            if style == "gather"
        }
        axes = layout.mesh.axes
        self._of: Counter[int] = Counter()
        self._inside: dict[str, int] = {}
        for operation in forward.operations:
            application = operation.application
            shards = layout.placed(operation.path).shards
            dims = {
                one.dim: axes[one.axis]
                for parameter in (application.parameters if application else ())
                if len(parameter.shape) > 1
                for one in shards.get(parameter.name, ())
                if one.axis not in sharded
            }
            made = max([self._of[id(storage)] or 1 for storage in operation.inputs], default=1)
            if len(dims) > 1:
                self._inside[operation.path] = max(dims.values())
            if application is not None and application.parameters:
                made = 1
            if application is not None and len(dims) == 1 and operation.path not in gathered:
                ((dim, ranks),) = dims.items()
                of_output = 1 if application.type.name == "embedding" else 0
                made = ranks if dim == of_output else 1
            for storage in operation.outputs:
                if made > 1 and id(storage) not in self._of:
                    self._of[id(storage)] = made

    def of(self, storage: Storage) -> int:
        return self._of[id(storage)] or 1

    def inside(self, operation: Step) -> int:
        return self._inside.get(operation.path, 1)
