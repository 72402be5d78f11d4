"""Decides what a rule needs of symbolic sizes: true, refused with the reason, or recorded."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.declaration import Need, Refusal
from netspec.declaration.output import told
from netspec.graph import Condition
from netspec.planning.size_advice import multiple_that, multiple_that_equates, statement
from netspec.sizes import Counterexample, at_least, divisible, equal, symbols


class Conditions:
    """What has to be true of the sizes, collected over the whole plan."""

    def __init__(self) -> None:
        self._least: dict[str, int] = {}
        self._others: dict[str, None] = {}

    def add(self, conditions: Iterable[Condition]) -> None:
        for condition in conditions:
            if condition.symbol is None or condition.least is None:
                self._others[condition.text] = None
            else:
                least = self._least.get(condition.symbol, 0)
                self._least[condition.symbol] = max(condition.least, least)

    def all(self) -> tuple[Condition, ...]:
        least = [_at_least(name, number) for name, number in sorted(self._least.items())]
        return (*least, *(Condition(text) for text in self._others))


def _at_least(symbol: str, least: int) -> Condition:
    return Condition(f"{symbol} >= {least}", symbol, least)


def decide(need: Need) -> tuple[Condition, ...]:
    """The conditions on the sizes with which the need is fulfilled; none where it always is.

    Raises:
        Refusal: the need is not fulfilled, or it cannot be decided whether it is.
    """
    if need.kind == "at_least":
        assert isinstance(need.other, int)
        bound = at_least(need.size, need.other)
        if bound.answer is None:
            least = tuple([_at_least(*one) for one in bound.least])
            return least or (Condition(f"{need.size} >= {need.other}"),)
        if bound.answer:
            return ()
        where = f" (for {values(bound.counterexample)})" if bound.counterexample else ""
        raise Refusal(told(need.message) + where, argument=need.argument)
    if need.kind == "same":
        decision = equal(need.size, need.other)
    else:
        assert isinstance(need.other, int)
        decision = divisible(need.size, need.other)
    if decision.answer:
        return ()
    names = [symbol.name for symbol in symbols(need.size)]
    if decision.counterexample is not None:
        raise Refusal(
            f"{told(need.message)} (for example {values(decision.counterexample)})",
            argument=need.argument,
            help=_way_out(need, names),
        )
    raise Refusal(
        f"it cannot be decided whether this holds for all sizes: {need.size} against {need.other}",
        argument=need.argument,
        help=f"give {' or '.join(names)} a number in `input`",
    )


def _way_out(need: Need, names: list[str]) -> str:
    """A statement about one size that fulfils the need, where there is one."""
    if need.kind == "same":
        equated = multiple_that_equates(need.size, need.other)
        if equated is not None:
            return f"state it in `input`: `{statement(equated)}`"
        if str(need.size) in names:
            return f"write {need.other} for {need.size} in `input`"
    if need.kind == "multiple_of" and isinstance(need.other, int):
        divisor = need.other
        stated = multiple_that(
            (need.size,), lambda sizes: bool(divisible(sizes[0], divisor).answer), (divisor,)
        )
        if stated is not None:
            return f"state it in `input`: `{statement(stated)}`"
    return ""


def values(counterexample: Counterexample) -> str:
    """``H = 33, W = 7``."""
    return ", ".join(f"{name} = {value}" for name, value in counterexample.values)
