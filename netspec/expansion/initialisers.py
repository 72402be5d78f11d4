"""The initialisers that ``init`` names: torch's own, or those of plugins."""

from __future__ import annotations

from netspec.declaration import InitialiserType
from netspec.diagnostics import Diagnostics, Span, did_you_mean, listed
from netspec.planning.binding import bind
from netspec.planning.plan import PlannedInit, PlannedInitialiser
from netspec.registry import Registry
from netspec.spec import Init, Initialiser, Layer
from netspec.spec.initialisers import INITIALISERS
from netspec.templates import Names


def planned_init(
    init: Init, names: Names, span: Span, registry: Registry, found: Diagnostics
) -> PlannedInit:
    """How the parameters of a layer begin; wrong ones are reported and left out.

    Args:
        span: where the initialisers are that have no place of their own.
    """
    planned = [(name, planned_initialiser(how, span, registry, found)) for name, how in init]
    return PlannedInit(tuple([(name, how) for name, how in planned if how is not None]), names)


def planned_initialiser(
    how: Initialiser, span: Span, registry: Registry, found: Diagnostics
) -> PlannedInitialiser | None:
    """The function that an initialiser stands for; None where there is none, or not with these
    arguments, which is reported."""
    if how.name in INITIALISERS:
        return PlannedInitialiser(how.name, f"torch.nn.init.{how.name}_", how.arguments)
    candidates = registry.initialisers_named(how.name)
    at = span if how.origin is None else how.origin.span()
    if len(candidates) > 1:
        found.error(
            "ambiguous-initialiser",
            f"{how.name} is an initialiser of {listed([str(one.plugin) for one in candidates])}",
            at,
            help=[f"write {listed([f'`{one.full_name}`' for one in candidates], 'or')}"],
        )
        return None
    if not candidates:
        _unknown(how.name, at, registry, found)
        return None
    (one,) = candidates
    kind: InitialiserType = one.value
    if how.origin is not None:
        # What is computed when the model is built is checked then.
        written = bind(kind.declared, Layer(kind.name, how.arguments), how.origin, found)  # type: ignore[arg-type]
        if written is None:
            return None
    return PlannedInitialiser(
        how.name, kind.declared.target, how.arguments, kind.declared, str(one.plugin)
    )


def _unknown(name: str, at: Span, registry: Registry, found: Diagnostics) -> None:
    def help() -> str:
        known = [*INITIALISERS, *registry.initialisers()]
        return (
            registry.remedy_for("initialisers", name)
            or did_you_mean(name, known)
            or f"there are {listed(known)}"
        )

    found.error(
        "unknown-initialiser",
        f"there is no initialiser {name[:60]!r}",
        at,
        notes=[f"a plugin is disabled: {plugin.problem}" for plugin in registry.disabled()],
        help=[help],
    )
