"""The laws of layers: what netspec plans is what torch does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import cast

from netspec.declaration import LayerType, Refusal
from netspec.declaration.arguments import Kind, OneOf, Real, Tuple, Whole
from netspec.diagnostics import SpecError
from netspec.planning import Application, Plan
from netspec.planning.planner import shown
from netspec.registry import Registry
from netspec.sizes import substitute
from netspec.spec import Value
from netspec.testing.cases import Case, Opened
from netspec.testing.observation import TorchRefusal, observe, saved_bytes
from netspec.testing.strategies import BARE

#: Says why netspec refuses what torch accepts, or nothing where there is no reason.
Tolerance = Callable[[Case, SpecError], str | None]

#: Layers whose kernels keep workspaces for the backward pass, of a size that is their own matter:
#: the plan is held to 5 %, and to so many bytes for each parameter.
NEARLY = {
    "lstm": 16_384,  # oneDNN rounds up seven buffers of each layer and direction to pages of 4 KiB
}
CHEAP = 1_000  # no number is larger in what the cpu runs
MOST = 10**7  # nor has an output more values
#: Refusals of symbolic plans that say nothing about any numbers.
UNDECIDED = ("needs a known number", "cannot be decided", "a size is divided by")


def agrees_with_torch(
    case: Case, registry: Registry, tolerance: Tolerance, not_on_meta: Tolerance | None = None
) -> Plan | None:
    """What is planned is what torch does, or both refuse; gives the plan where there is one.

    That is the output's shape and dtype; the names, order and shapes of parameters and buffers;
    and multiply-adds, twice which ``torch.utils.flop_counter`` counts on meta. The cpu decides, as
    meta lets through what it refuses; where the numbers are too large to compute with, meta does.

    Raises:
        AssertionError: they differ.
    """
    planned = case.plan(registry)
    if isinstance(planned, SpecError):
        _refuses(case, planned, tolerance)
        return None
    row = planned.layers[0]
    small = all(prod(_numbers(output.shape)) <= MOST for output in row.outputs)
    for device in _devices(case) if small else ("meta",):
        real = observe(case.layer, row.application.written, case.inputs, device)
        if isinstance(real, TorchRefusal):
            if device == "meta" and not_on_meta and not_on_meta(case, SpecError([])):
                continue
            raise AssertionError(
                f"planned as {shown(row.outputs)}, but torch on {device} refuses:\n"
                f"{real.message}\n{case}"
            )
        assert real.outputs == row.outputs, (
            f"planned as {shown(row.outputs)}, but torch on {device} gives "
            f"{shown(real.outputs)}:\n{case}"
        )
        for ours, theirs in ((row.parameters, real.parameters), (row.buffers, real.buffers)):
            assert [(part.name, part.shape) for part in ours] == list(theirs.items()), f"{case}"
        if real.flops is not None:
            macs = row.macs
            assert isinstance(macs, int)
            assert 2 * macs == real.flops, f"{macs} macs, but {real.flops} FLOPs:\n{case}"
    return planned


def saves_what_torch_saves(case: Case, registry: Registry) -> bool:
    """The bytes that are kept for the backward pass are those that autograd keeps on the cpu.

    Gives whether there was something to compare: torch trains the layer on such an input.

    Raises:
        AssertionError: they differ.
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
    known = planned.layers[0].parameters
    room = kept // 20 + NEARLY[case.layer.name] * len(known) if case.layer.name in NEARLY else 0
    assert abs(expected - kept) <= room, f"{expected} bytes saved, but torch saves {kept}:\n{case}"
    return True


def planned_bytes(application: Application) -> int:
    """What a call keeps for the backward pass where all its inputs need a gradient."""
    inputs = dict(zip(application.input_names, application.inputs, strict=True))
    outputs = dict(zip(application.output_names, application.outputs, strict=True))
    kept = [{**outputs, **inputs}[name] for name in application.saves]
    if application.is_view:
        kept = kept[:1]
    total = application.saved_bytes
    for type in kept:
        total = total + type.nbytes
    assert isinstance(total, int)
    return total


def substitutes(opened: Opened, registry: Registry) -> bool:
    """A symbolic plan with numbers put in is the concrete plan; whether it was accepted.

    Numbers against a condition of the plan are refused, and a symbolic plan is refused only
    where one with numbers is, or where it says that it needs a number or cannot decide.
    """
    symbolic = opened.symbolic.plan(registry)
    if isinstance(symbolic, SpecError):
        _has_a_reason(opened, symbolic, registry)
        return False
    for values in opened.numbers:
        case = opened.concrete(values)
        concrete = case.plan(registry)
        if not all(_holds(condition.text, values) for condition in symbolic.conditions):
            assert isinstance(concrete, SpecError), (
                f"{values} is against {[str(c) for c in symbolic.conditions]}, "
                f"but fine with numbers:\n{opened.symbolic}"
            )
            continue
        assert isinstance(concrete, Plan), (
            f"fine with names, but not with {values}:\n{concrete}\n{opened.symbolic}"
        )
        row, known = symbolic.layers[0], concrete.layers[0]
        outputs = tuple(
            [
                output._replace(shape=tuple(substitute(size, values) for size in output.shape))
                for output in row.outputs
            ]
        )
        assert outputs == known.outputs, f"{row.outputs} for {values}:\n{opened.symbolic}"
        assert substitute(row.macs, values) == known.macs, f"macs of {opened.symbolic}"
        assert (row.parameters, row.buffers) == (known.parameters, known.buffers)
    return True


def _has_a_reason(opened: Opened, refused: SpecError, registry: Registry) -> None:
    message = " ".join(diagnostic.message for diagnostic in refused.diagnostics)
    if any(words in message for words in UNDECIDED):
        return
    told = {
        name: int(number)
        for name, number in re.findall(r"\b([A-Z]\w*) = (\d+)", message)
        if name in opened.numbers[0]
    }
    points: list[Mapping[str, int]] = list(opened.numbers)
    if told:
        points = [{name: opened.least(name) for name in opened.numbers[0]} | told]
    for values in points:
        concrete = opened.concrete(values).plan(registry)
        assert isinstance(concrete, SpecError), (
            f"refused, but fine with {values}:\n{refused}\n{opened.symbolic}"
        )


def _holds(condition: str, values: Mapping[str, int]) -> bool:
    return bool(eval(condition, {"__builtins__": {}}, dict(values)))


def _refuses(case: Case, refused: SpecError, tolerance: Tolerance) -> None:
    message = " ".join(diagnostic.message for diagnostic in refused.diagnostics)
    if "holds" in message and not is_cheap(case):
        return  # meta does not look at the dtype, and the cpu is not asked about huge sizes
    if any(values_of_a_wrong_type(case)) or tolerance(case, refused):
        return
    for device in _devices(case)[:1]:
        for arguments in completions(case):
            real = observe(case.layer, arguments, case.inputs, device)
            assert isinstance(real, TorchRefusal), (
                f"refused, but torch on {device} takes {arguments} and gives "
                f"{shown(real.outputs)}:\n{refused}"
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
