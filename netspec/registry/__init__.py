"""Which layers and hooks there are: a pluggy plugin manager as a value."""

from netspec.registry.hookspecs import hookimpl
from netspec.registry.registry import (
    ENTRY_POINT_GROUP,
    Plugin,
    PluginError,
    RegisteredLayer,
    Registry,
    default_registry,
)

__all__ = [
    "ENTRY_POINT_GROUP",
    "Plugin",
    "PluginError",
    "RegisteredLayer",
    "Registry",
    "default_registry",
    "hookimpl",
]
