"""Plan and Placement to Layout: every strategy's rule, in its order, without torch."""

from __future__ import annotations

from dataclasses import replace

from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostics, Note, Span, did_you_mean, listed
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
        assert isinstance(laid, Layout)
        layout = _with_span(laid, entry.origin.span())
    return None if found.failed else layout


def _with_span(layout: Layout, span: Span) -> Layout:
    """The layout whose new actions say where their strategy is written."""
    actions = [one if one.span else one._replace(span=span) for one in layout.actions]
    return replace(layout, actions=tuple(actions))


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
