"""Which layers and hooks there are: a pluggy plugin manager as a value."""

from netspec.registry.hookspecs import hookimpl
from netspec.registry.registry import (
    CHOICE,
    Plugin,
    PluginError,
    PluginWarning,
    RegisteredLayer,
    RegisteredStrategy,
    Registry,
    default_registry,
)

__all__ = [
    "CHOICE",
    "Plugin",
    "PluginError",
    "PluginWarning",
    "RegisteredLayer",
    "RegisteredStrategy",
    "Registry",
    "default_registry",
    "hookimpl",
]
