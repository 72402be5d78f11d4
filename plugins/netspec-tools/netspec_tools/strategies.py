"""A strategy for placement documents: ``freeze: [features.*]``."""

from __future__ import annotations

from netspec.plugin import Action, Layout, strategy


@strategy("netspec_tools.freezing.freeze", order=15, obvious="layers")
def freeze(layout: Layout, /, *, layers: tuple[str, ...]) -> Layout:
    """The parameters of these modules get no gradients.

    Before anything shards or copies them, so that no process waits for gradients of theirs.
    """
    paths = layout.match_all(layers, "layers")
    return layout.then(Action("freeze", "netspec_tools.freezing.freeze", {"layers": paths}))
