"""Decides what a rule needs of symbolic sizes: true, refused with the reason, or recorded."""

from __future__ import annotations

from netspec.declaration import Need, Refusal
from netspec.declaration.output import told
from netspec.planning.plan import Condition
from netspec.planning.size_advice import multiple_that, statement
from netspec.sizes import Counterexample, at_least, divisible, equal, symbols


class Conditions:
    """What has to be true of the sizes, collected over the whole plan."""

    def __init__(self) -> None:
        self._least: dict[str, int] = {}
        self._others: dict[str, None] = {}

    def at_least(self, symbol: str, least: int) -> None:
        self._least[symbol] = max(least, self._least.get(symbol, 0))

    def other(self, text: str) -> None:
        self._others[text] = None

    def all(self) -> tuple[Condition, ...]:
        least = [Condition(f"{s} >= {n}", s, n) for s, n in sorted(self._least.items())]
        return (*least, *(Condition(text) for text in self._others))


def decide(need: Need, conditions: Conditions) -> None:
    """Records the need where it depends on the sizes.

    Raises:
        Refusal: the need is not fulfilled, or it cannot be decided whether it is.
    """
    if need.kind == "at_least":
        assert isinstance(need.other, int)
        bound = at_least(need.size, need.other)
        if bound.answer is None:
            for symbol, least in bound.least:
                conditions.at_least(symbol, least)
            if not bound.least:
                conditions.other(f"{need.size} >= {need.other}")
        elif not bound.answer:
            where = f" (for {values(bound.counterexample)})" if bound.counterexample else ""
            raise Refusal(told(need.message) + where, argument=need.argument)
        return
    if need.kind == "same":
        decision = equal(need.size, need.other)
    else:
        assert isinstance(need.other, int)
        decision = divisible(need.size, need.other)
    if decision.answer:
        return
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
    if need.kind == "same" and str(need.size) in names:
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
