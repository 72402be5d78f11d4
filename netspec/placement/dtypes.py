"""Whether each layer gets values of the dtype that it computes in."""

from __future__ import annotations

from netspec.diagnostics import Diagnostics, Note
from netspec.placement.graph import calls_of
from netspec.placement.layout import Layout
from netspec.planning import PlannedLayer


def report_dtypes(layout: Layout, found: Diagnostics) -> None:
    """Reports weights that meet values of another dtype, which torch refuses at the first forward.

    Layers without weights keep the dtype of what they get.
    """
    if not any(placed.dtype for placed in layout.layers.values()):
        return
    makers: dict[int, PlannedLayer] = {}  # the last layer with weights that a value has passed
    for call in calls_of(layout.plan).calls:
        before = next((makers[value] for value in call.inputs if value in makers), None)
        layer = call.layer
        if layer is None or not layer.parameters:
            if before is not None:
                makers |= dict.fromkeys(call.outputs, before)
            continue
        if before is not None and layer.inputs[0].is_floating:
            given, own = (layout.placed(one.path).dtype for one in (before, layer))
            if given != own and not layout.placed(layer.path).casts_inputs:
                found.error(
                    "dtype-change",
                    f"the weights of `{layer.path}` are {_named(own)}, but `{before.path}` gives "
                    f"values {_named(given)}",
                    layer.origin.span(),
                    notes=[Note(f"`{before.path}` is written here", before.origin.span().locate())],
                    help=["give both the same dtype, or all layers between two containers"],
                )
        makers |= dict.fromkeys(call.outputs, layer)


def _named(dtype: str | None) -> str:
    return "of the model's dtype" if dtype is None else f"of {dtype}"
