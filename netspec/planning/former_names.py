"""Warnings about former names of layers and arguments, and about deprecated ones."""

from __future__ import annotations

from netspec.declaration import LayerType
from netspec.diagnostics import Diagnostics
from netspec.diagnostics.fix import fix
from netspec.spec import Layer, Origin


def report_former_names(
    layer_type: LayerType, layer: Layer, origin: Origin, found: Diagnostics
) -> None:
    """Warn of each name that the layer's package has replaced, with the edit that replaces it."""
    plugin, dot, name = layer.type.rpartition(".")
    if name in layer_type.was:
        new = f"{plugin}{dot}{layer_type.name}"
        found.warning(
            "former-name",
            f"{name} is now called {layer_type.name}",
            origin.span(),
            help=[fix(f"write {new}", (origin.span(), new))],
        )
    if layer_type.deprecated:
        message = f"{layer_type.name} is deprecated: {layer_type.deprecated}"
        found.warning("deprecated", message, origin.span())
    for written, _ in layer.arguments:
        argument = layer_type.argument(written) if written is not None else None
        if argument is None or written is None:
            continue
        span = origin.argument_name(written)
        if written in argument.was:
            found.warning(
                "former-name",
                f"{written} of {layer_type.name} is now called {argument.name}",
                span,
                help=[fix(f"write {argument.name}", (span, argument.name))],
            )
        if argument.deprecated:
            message = f"{argument.name} of {layer_type.name} is deprecated: {argument.deprecated}"
            found.warning("deprecated", message, span)
