"""Layers, hooks and plugins: a pluggy plugin manager as a value."""

from netspec.registry.hookspecs import hookimpl
from netspec.registry.plugin import Plugin
from netspec.registry.registry import (
    CHOICE,
    PackageBlock,
    PluginError,
    PluginWarning,
    RegisteredLayer,
    RegisteredStrategy,
    Registry,
    default_registry,
)
from netspec.registry.table import Brought

__all__ = [
    "Brought",
    "CHOICE",
    "PackageBlock",
    "Plugin",
    "PluginError",
    "PluginWarning",
    "RegisteredLayer",
    "RegisteredStrategy",
    "Registry",
    "default_registry",
    "hookimpl",
]
