"""Plan and Placement to Layout: every strategy's rule, in its order, without torch."""

from __future__ import annotations

from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostics, Note, Span, did_you_mean, listed
from netspec.diagnostics.failure import failure, shown
from netspec.placement.document import Entry, Placement
from netspec.placement.layout import Layout, Misplaced
from netspec.placement.strategy import Strategy
from netspec.planning import Plan
from netspec.planning.binding import bind
from netspec.registry import Registry


def lay_out(
    plan: Plan, placement: Placement, registry: Registry, found: Diagnostics
) -> Layout | None:
    """What each layer gets; None where ``found`` got an error."""
    strategies = registry.strategies()
    known: list[tuple[Strategy, Entry]] = []
    for entry in placement.entries:
        strategy = strategies.get(entry.written.type)
        if strategy is not None:
            known.append((strategy, entry))
        elif entry.written.type:
            found.error(
                "unknown-strategy",
                f"{entry.written.type} is no strategy of placement",
                entry.origin.span(),
                help=[
                    did_you_mean(entry.written.type, strategies)
                    or f"there are {listed(list(strategies))}"
                ],
            )
    layout: Layout = Layout(plan, placement.mesh)
    for strategy, entry in sorted(known, key=lambda one: one[0].order):
        written = bind(strategy.declared, entry.written, entry.origin, found)
        if written is None:
            continue
        try:
            laid: object = strategy.declared.rule(layout, **written)
        except Refusal as refusal:
            _refuse(refusal, entry, found)
            continue
        except Exception as problem:  # a plugin's rule may fail with anything
            laid = failure(problem)
        if not isinstance(laid, Layout):
            what = laid if isinstance(laid, str) else f"it gives {shown(laid)}, which is no Layout"
            found.error(
                "bad-placement",
                f"the rule of the strategy {strategy.word} failed: {what}",
                entry.origin.span(),
                help=[f"this is a mistake of its plugin, which has {strategy.declared.target}"],
            )
            continue
        layout = laid
    return None if found.failed else layout


def _refuse(refusal: Refusal, entry: Entry, found: Diagnostics) -> None:
    layers = refusal.layers if isinstance(refusal, Misplaced) else ()
    notes = [Note(f"`{one.path}` is written here", one.origin.span().locate()) for one in layers]
    found.error(
        "bad-placement",
        refusal.message,
        _span(refusal.argument, entry),
        notes=notes,
        help=refusal.help.split("\n"),
    )


def _span(argument: str | None, entry: Entry) -> Span:
    return entry.origin.argument(argument) if argument else entry.origin.span()
