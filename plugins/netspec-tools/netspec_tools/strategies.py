"""A strategy for placement documents: ``frozen: [features.*]``."""

from __future__ import annotations

from netspec.plugin import Action, Layout, strategy


@strategy("netspec_tools.gradients.frozen", order=15, obvious="layers")
def frozen(layout: Layout, /, *, layers: tuple[str, ...]) -> Layout:
    """The parameters of these modules get no gradients.

    Before anything shards or copies them, so that no process waits for gradients of theirs.
    """
    paths = layout.match_all(layers, "layers")
    return layout.then(Action("frozen", "netspec_tools.gradients.frozen", {"layers": paths}))
