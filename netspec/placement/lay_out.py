"""Plan and Placement to Layout: every strategy's rule, in its order, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostics, Line, Note, listed, suggestion
from netspec.diagnostics.failure import failure, shown
from netspec.placement.document import Entry, Placement
from netspec.placement.dtypes import report_dtypes
from netspec.placement.layout import Layout, Misplaced
from netspec.placement.ties import require_ties_together
from netspec.planning import Plan
from netspec.planning.binding import bind
from netspec.registry import RegisteredStrategy, Registry, devices
from netspec.spec import Value


def lay_out(
    plan: Plan, placement: Placement, registry: Registry, found: Diagnostics
) -> Layout | None:
    """What each layer gets; None where ``found`` got an error."""
    strategies = registry.strategies()
    known: list[tuple[RegisteredStrategy, Entry]] = []
    for entry in placement.entries:
        one = strategies.get(entry.written.type)
        if one is not None:
            known.append((one, entry))
        elif entry.written.type:
            found.error(
                "unknown-strategy",
                f"{entry.written.type} is no strategy of placement",
                entry.origin.span(),
                help=[
                    suggestion(
                        entry.written.type, strategies, f"there are {listed(list(strategies))}"
                    )
                ],
            )
    layout = Layout(plan, placement.mesh)
    for one, entry in sorted(known, key=lambda pair: pair[0].strategy.order):
        written = bind(one.strategy.declared, entry.written, entry.origin, found)
        if written is not None:
            layout = _laid(layout, one, entry, written, found)
    for word in dict.fromkeys(placed.device for placed in layout.layers.values()):
        if word is not None and not devices.is_device(word, registry):
            help = [devices.advice(word)]
            found.error("bad-device", devices.message(word), placement.span_of(word), help=help)
    if not found.failed:
        _report_stated_devices(layout, found)
        _report_idle_axes(layout, placement, found)
        report_dtypes(layout, found)
    return None if found.failed else layout


def _laid(
    layout: Layout,
    one: RegisteredStrategy,
    entry: Entry,
    written: Mapping[str, Value],
    found: Diagnostics,
) -> Layout:
    """The layout with one more strategy; as it was where that cannot be."""
    rule: Callable[..., object] = one.strategy.declared.rule
    try:
        laid = rule(layout, **written)
    except Refusal as refusal:
        _refuse(refusal, entry, found)
        return layout
    except Exception as problem:
        if one.plugin.package == "netspec":
            raise
        _broken(one, entry, f"fails: {failure(problem)}", found)
        return layout
    if not isinstance(laid, Layout):
        _broken(one, entry, f"gives {shown(laid)}, which is no Layout", found)
        return layout
    try:
        require_ties_together(laid)
    except Refusal as refusal:
        _refuse(refusal, entry, found)
        return layout
    # Where a strategy is written is known here, and of use when its action fails.
    span = entry.origin.span()
    actions = [action if action.span else action._replace(span=span) for action in laid.actions]
    return replace(laid, actions=tuple(actions))


def _broken(one: RegisteredStrategy, entry: Entry, what: str, found: Diagnostics) -> None:
    found.error(
        "broken-strategy",
        f"{one.strategy.word} of {one.plugin.title} {what}",
        entry.origin.span(),
        help=["this is a mistake of the plugin, not of the placement"],
    )


def _report_stated_devices(layout: Layout, found: Diagnostics) -> None:
    """Reports `device:` keys of the spec where each rank has one device of its own."""
    if not layout.mesh.axes:
        return
    stated = [one.origin for one in layout.plan.scopes() if one.origin.states("device")]
    stated += [one.origin for one in layout.plan.layers if one.origin.states("device")]
    for span in dict.fromkeys(origin.reserved("device") for origin in stated):
        found.error(
            "bad-placement",
            f"`device:` is for one process, and the mesh has {layout.mesh.ranks} ranks, each with "
            "a device of its own",
            span,
            help=["remove it, and write `devices` in the placement of one process"],
        )


def _report_idle_axes(layout: Layout, placement: Placement, found: Diagnostics) -> None:
    for axis, ranks in layout.mesh.axes.items():
        if axis not in layout.axes:
            found.error(
                "bad-placement",
                f"no strategy is over the axis {axis!r}: its {ranks} ranks would all do the same",
                placement.mesh_span(),
                help=[f"remove it, or give it to a strategy: `data_parallel: {axis}`"],
            )


def _refuse(refusal: Refusal, entry: Entry, found: Diagnostics) -> None:
    layers = refusal.layers if isinstance(refusal, Misplaced) else ()
    notes = [Note(f"`{one.path}` is written here", one.origin.span().locate()) for one in layers]
    span = entry.origin.argument(refusal.argument) if refusal.argument else entry.origin.span()
    help: list[Line] = [*refusal.help.split("\n")]
    if refusal.instead is not None and refusal.word is not None:
        from netspec.advice.writing import replaced_word

        help[0] = replaced_word(refusal.help, span, refusal.word, refusal.instead)
    found.error("bad-placement", refusal.message, span, notes=notes, help=help)
