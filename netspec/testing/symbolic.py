"""The law of symbols: a plan with names for sizes is every plan with numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netspec.diagnostics import SpecError, listed
from netspec.planning import Plan, PlannedLayer
from netspec.planning.planner import shown
from netspec.registry import Registry
from netspec.sizes import Size, substitute
from netspec.testing.broken import LawBroken, does_not_fail, messages, rule_of
from netspec.testing.cases import Case, Opened
from netspec.testing.laws import planned_bytes

#: Refusals of symbolic plans that say nothing about any numbers.
UNDECIDED = ("needs a known number", "cannot be decided", "a size is divided by")


def substitutes(opened: Opened, registry: Registry) -> bool:
    """A symbolic plan with numbers put in is the concrete plan; whether it was accepted.

    Numbers against a condition of the plan are refused, and a symbolic plan is refused only
    where one with numbers is, or where it says that it needs a number or cannot decide.

    Raises:
        LawBroken: they differ.
    """
    case = opened.symbolic
    symbolic = case.plan(registry)
    if isinstance(symbolic, SpecError):
        _has_a_reason(opened, symbolic, registry)
        return False
    for values in opened.numbers:
        concrete = opened.concrete(values).plan(registry)
        if not all(_holds(condition.text, values) for condition in symbolic.conditions):
            if isinstance(concrete, Plan):
                needed = listed([str(condition) for condition in symbolic.conditions], "and")
                raise LawBroken(
                    f"planned with the condition {needed}, but with {_stated(values)} it plans too",
                    case,
                    f"Output(needs=...) in {rule_of(case.layer)}",
                )
        elif isinstance(concrete, SpecError):
            raise LawBroken(
                f"planned with symbols, but refused with {_stated(values)}: {messages(concrete)}",
                case,
                f"let {rule_of(case.layer)} state what has to be true of sizes by at_least, same "
                f"or multiple_of in Output(needs=...)",
            )
        else:
            _same_rows(case, symbolic.layers[0], concrete.layers[0], values)
    return True


def _same_rows(
    case: Case, symbolic: PlannedLayer, concrete: PlannedLayer, values: Mapping[str, int]
) -> None:
    """
    Raises:
        LawBroken: the symbolic row is not the other, when the numbers are put in.
    """
    remedy = (
        f"let {rule_of(case.layer)} compute with sizes as they come, whether symbols or numbers: "
        f"ceil_divide, exact_quotient and product take both"
    )
    put_in, known = _facts(symbolic, values), _facts(concrete, {})
    for what, general in _facts(symbolic, {}).items():
        if put_in[what] != known[what]:
            raise LawBroken(
                f"planned {what} {general} with symbols, which is {put_in[what]} for "
                f"{_stated(values)}, but with these numbers {known[what]}",
                case,
                remedy,
            )
    # Of some sizes torch saves less: for an output of 1 a pool is a mean.
    most = substitute(planned_bytes(symbolic.application), values)
    saved = planned_bytes(concrete.application)
    if isinstance(most, int) and isinstance(saved, int) and saved > most:
        raise LawBroken(
            f"planned {planned_bytes(symbolic.application)} saved bytes with symbols, which is "
            f"{most} for {_stated(values)}, but with these numbers {saved}",
            case,
            remedy,
        )


def _facts(row: PlannedLayer, values: Mapping[str, int]) -> dict[str, str]:
    """What a row says, with the numbers put in."""

    def number(size: Size) -> Size:
        return substitute(size, values)

    outputs = [one._replace(shape=tuple(map(number, one.shape))) for one in row.outputs]
    return {
        "outputs": shown(tuple(outputs)),
        "multiply-adds": str(number(row.macs)),
        "parameters": str(dict(row.parameters)),
        "buffers": str(dict(row.buffers)),
    }


def _stated(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _has_a_reason(opened: Opened, refused: SpecError, registry: Registry) -> None:
    """
    Raises:
        LawBroken: there are numbers that are not refused, and no reason is said.
    """
    does_not_fail(opened.symbolic, refused)
    message = messages(refused)
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
        if isinstance(opened.concrete(values).plan(registry), Plan):
            raise LawBroken(
                f"refused with symbols, but planned with {_stated(values)}: {message}",
                opened.symbolic,
                f"let {rule_of(opened.symbolic.layer)} state what has to be true of sizes by "
                f"at_least, same or multiple_of in Output(needs=...), which netspec decides where "
                f"they are known; a Refusal of symbols says `... cannot be decided`",
            )


def _holds(condition: str, values: Mapping[str, int]) -> bool:
    return bool(eval(condition, {"__builtins__": {}}, dict(values)))
