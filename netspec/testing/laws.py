"""The laws of layers: what netspec plans is what torch does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import cast

from netspec.declaration import LayerType, Refusal, TensorType
from netspec.declaration.arguments import Kind, OneOf, Real, Tuple, Whole
from netspec.diagnostics import SpecError, listed
from netspec.graph import Application
from netspec.planning import Plan
from netspec.planning.planner import shown
from netspec.registry import Registry
from netspec.sizes import Size
from netspec.spec import Value
from netspec.testing.broken import (
    LawBroken,
    class_of,
    does_not_fail,
    messages,
    require_all,
    rule_of,
)
from netspec.testing.cases import Case
from netspec.testing.observation import Observed, Shapes, TorchRefusal, observe, saved_bytes
from netspec.testing.strategies import BARE

#: Says why netspec refuses what torch accepts, or nothing where there is no reason.
Tolerance = Callable[[Case, SpecError], str | None]
#: Why torch cannot run a case on meta; None where it can.
Reason = Callable[[Case], str | None]

#: Layers whose kernels keep workspaces for the backward pass, of a size that is their own matter:
#: the plan is held to 5 %, and to so many bytes for each parameter.
NEARLY = {
    "lstm": 16_384,  # oneDNN rounds up seven buffers of each layer and direction to pages of 4 KiB
}
CHEAP = 1_000  # no number is larger in what the cpu runs
MOST = 10**7  # nor has an output more values


def agrees_with_torch(
    case: Case, registry: Registry, tolerance: Tolerance, not_on_meta: Reason | None = None
) -> Plan | None:
    """What is planned is what torch does, or both refuse; gives the plan where there is one.

    That is the output's shape and dtype; the names, order and shapes of parameters and buffers;
    and multiply-adds, twice which ``torch.utils.flop_counter`` counts on meta. The cpu decides, as
    meta lets through what it refuses; where the numbers are too large to compute with, meta does.

    Raises:
        LawBroken: they differ.
    """
    planned = case.plan(registry)
    if isinstance(planned, SpecError):
        _refuses(case, planned, tolerance)
        return None
    row = planned.layers[0]
    small = all(prod(_numbers(output.shape)) <= MOST for output in row.outputs)
    checks: list[Callable[[], None]] = []
    for device in _devices(case) if small else ("meta",):
        real = observe(case.layer, row.application.written, case.inputs, device)
        if isinstance(real, TorchRefusal):
            if device == "meta" and not_on_meta and not_on_meta(case):
                continue
            raise LawBroken(
                f"planned {shown(row.outputs)}, but torch on {device} refuses: "
                f"{real.message.strip().partition(chr(10))[0]}",
                case,
                f"let {rule_of(case.layer)} refuse it too: raise Refusal, or state what has to be "
                f"true of sizes by at_least, same or multiple_of in Output(needs=...)",
            )
        checks += [
            partial(_same_outputs, case, row.outputs, real.outputs, device),
            partial(_same_parameters, case, dict(row.parameters), real.parameters),
            partial(_same_buffers, case, dict(row.buffers), real.buffers),
            partial(_same_macs, case, row.macs, real.flops),
            partial(_leaves_inputs, case, row.application, real.changed),
        ]
    require_all(*checks)
    return planned


def _same_outputs(
    case: Case, ours: tuple[TensorType, ...], theirs: tuple[TensorType, ...], device: str
) -> None:
    """
    Raises:
        LawBroken: another number of outputs, other shapes or other dtypes.
    """
    ours = tuple([one._replace(indexed=None) for one in ours])
    if ours == theirs:
        return
    part = "shape=..."
    if len(ours) != len(theirs):
        part = "others=..."
    elif [output.shape for output in ours] == [output.shape for output in theirs]:
        part = "dtype=..."
    elif ours[:1] == theirs[:1]:
        part = "others=..."
    raise LawBroken(
        f"planned {_typed(ours, theirs)}, but torch on {device} gives {_typed(theirs, ours)}",
        case,
        f"Output({part}) in {rule_of(case.layer)}",
    )


def _typed(types: tuple[TensorType, ...], others: tuple[TensorType, ...]) -> str:
    """The types, with float32 too where others have another dtype."""
    if [one.dtype for one in types] == [one.dtype for one in others]:
        return shown(types)
    texts = [str(one) if one.dtype != "float32" else f"{one} float32" for one in types]
    return listed(texts)


def _same_parameters(case: Case, ours: Shapes, theirs: Shapes) -> None:
    """
    Raises:
        LawBroken: other names, shapes or another order in the state_dict.
    """
    if list(ours.items()) != list(theirs.items()):
        raise LawBroken(*_other_state(case, "parameters", ours, theirs))


def _same_buffers(case: Case, ours: Shapes, theirs: Shapes) -> None:
    """
    Raises:
        LawBroken: other names, shapes or another order in the state_dict.
    """
    if list(ours.items()) != list(theirs.items()):
        raise LawBroken(*_other_state(case, "buffers", ours, theirs))


def _other_state(case: Case, what: str, ours: Shapes, theirs: Shapes) -> tuple[str, Case, str]:
    return (
        f"planned the {what} {_state(ours)}, but the module has {_state(theirs)}",
        case,
        f"Output({what}=...) in {rule_of(case.layer)}, in the order of state_dict()",
    )


def _same_macs(case: Case, macs: Size, flops: int | None) -> None:
    """
    Raises:
        LawBroken: torch counts other multiply-adds.
    """
    if flops is not None and 2 * macs != flops:
        raise LawBroken(
            f"planned {macs} multiply-adds, torch counts {flops // 2} ({flops} FLOPs)",
            case,
            f"Output(macs=...) in {rule_of(case.layer)}",
        )


def _leaves_inputs(case: Case, application: Application, changed: Sequence[int]) -> None:
    """
    Raises:
        LawBroken: inputs are changed that the layer does not declare to change.
    """
    if changed and not application.overwrites_input:
        raise LawBroken(
            f"{listed([case.layer.inputs[at] for at in changed])} is changed in place",
            case,
            f"let {class_of(case.layer)} leave its inputs as they are, as another layer may "
            f"read them; a layer that may change them has an argument `inplace`",
        )


def _state(state: Shapes) -> str:
    if not state:
        return "none"
    return listed([f"{name} {list(shape)}" for name, shape in state.items()], "and")


def saves_what_torch_saves(case: Case, registry: Registry) -> bool:
    """The bytes that are kept for the backward pass are those that autograd keeps on the cpu.

    Gives whether there was something to compare: torch trains the layer on such an input.

    Raises:
        LawBroken: they differ.
    """
    planned = case.plan(registry)
    is_empty = any(0 in input.shape for input in case.inputs)  # torch takes shorter ways then
    if isinstance(planned, SpecError) or is_empty or not is_cheap(case):
        return False
    application = planned.layers[0].application
    kept = saved_bytes(case.layer, application.written, case.inputs)
    if kept is None:
        return False
    expected = planned_bytes(application)
    assert isinstance(expected, int)
    known = planned.layers[0].parameters
    room = kept // 20 + NEARLY[case.layer.name] * len(known) if case.layer.name in NEARLY else 0
    if abs(expected - kept) > room:
        names = listed([f"`{name}`" for name in application.saves], "and") or "no input or output"
        raise LawBroken(
            f"planned {expected} bytes for the backward pass, but autograd saves {kept}",
            case,
            f"Output(saves=..., saved_bytes=..., is_view=...) in {rule_of(case.layer)}; it says "
            f"that {names} and {application.saved_bytes} bytes are saved",
        )
    return True


def planned_bytes(application: Application) -> Size:
    """What a call keeps for the backward pass where all its inputs need a gradient."""
    inputs = dict(zip(application.input_names, application.inputs, strict=True))
    outputs = dict(zip(application.output_names, application.outputs, strict=True))
    kept = [{**outputs, **inputs}[name] for name in application.saves]
    if application.is_view:
        kept = kept[:1]
    total = application.saved_bytes
    for type in kept:
        total = total + type.nbytes
    return total


def _refuses(case: Case, refused: SpecError, tolerance: Tolerance) -> None:
    """
    Raises:
        LawBroken: torch takes what is refused, and ``tolerance`` has no reason.
    """
    does_not_fail(case, refused)
    message = messages(refused)
    if "holds" in message and not is_cheap(case):
        return  # meta does not look at the dtype, and the cpu is not asked about huge sizes
    if any(values_of_a_wrong_type(case)) or tolerance(case, refused):
        return
    for device in _devices(case)[:1]:
        for arguments in completions(case):
            real = observe(case.layer, arguments, case.inputs, device)
            if isinstance(real, Observed):
                given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
                raise LawBroken(
                    f"refused, but torch on {device} takes {given or 'it'} and gives "
                    f"{shown(real.outputs)}: {message}",
                    case,
                    f"let {rule_of(case.layer)} take it, or say in `tolerance` of conformance() "
                    f"why netspec refuses it",
                )


def completions(case: Case) -> Iterator[dict[str, Value]]:
    """The written arguments as torch gets them, with values for the inferred ones."""
    layer = case.layer
    written = dict(case.arguments)
    if BARE in written:
        # What cannot be written so has no name to give it to torch.
        name = layer.obvious_argument
        if name is None:
            return
        written = {name: written[BARE], **written}
        del written[BARE]
    complete = cast(dict[str, Value], written)
    left = [name for name in layer.inferred if name not in complete]
    if not left:
        yield complete
        return
    for values in product(*[_guesses(layer, name, case) for name in left]):
        yield {**complete, **dict(zip(left, values, strict=True))}


def _guesses(layer: LayerType, name: str, case: Case) -> set[Value]:
    """What follows from an input; where nothing does, anything that one could try."""
    mark = layer.inferred[name]
    if mark.place >= len(case.inputs):
        return {1}
    input = case.inputs[mark.place]
    try:
        found = mark.find(input, None)
    except Refusal:
        return {1, *cast(tuple[int, ...], input.shape)}
    return {cast(Value, found)}


def values_of_a_wrong_type(case: Case) -> Iterator[str]:
    """Arguments of a type that is not declared: torch looks at few types (1 passes for true)."""
    for name, value in case.arguments.items():
        argument = case.layer.argument(name or case.layer.obvious_argument or "")
        if argument is not None and not _without_limits(argument.kind).accepts(value):
            yield argument.name


def out_of_range(case: Case) -> Iterator[str]:
    """Arguments of a declared type, but beyond their declared limits."""
    wrong = set(values_of_a_wrong_type(case))
    for name, value in case.arguments.items():
        argument = case.layer.argument(name or case.layer.obvious_argument or "")
        if argument is not None and argument.name not in wrong:
            if not argument.kind.accepts(value):
                yield argument.name


def _without_limits(kind: Kind) -> Kind:
    if isinstance(kind, Whole):
        return Whole(-(10**30), 10**30)
    if isinstance(kind, Real):
        return Real()
    if isinstance(kind, Tuple):
        return Tuple(_without_limits(kind.item), kind.length)
    if isinstance(kind, OneOf):
        return OneOf(tuple(_without_limits(option) for option in kind.kinds))
    return kind


def _devices(case: Case) -> tuple[str, ...]:
    """Where torch is asked; the first decides. Nowhere, if it were to make endless layers."""
    for name, value in case.arguments.items():
        if name and name.endswith("layers") and any(n > CHEAP for n in _numbers(value)):
            return ()
    return ("cpu", "meta") if is_cheap(case) else ("meta",)


def is_cheap(case: Case) -> bool:
    """Whether the cpu may compute it."""
    numbers = list(_numbers(tuple(case.arguments.values())))
    values = sum(prod(max(number, 1) for number in _numbers(input.shape)) for input in case.inputs)
    return all(number <= CHEAP for number in numbers) and values <= 10**6


def _numbers(value: object) -> Iterator[int]:
    if isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int):
        yield abs(value)
