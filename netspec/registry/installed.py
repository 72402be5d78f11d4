"""The installed plugins as the metadata of their packages states them: nothing is imported here.

A package names its plugin in the entry-point group ``netspec``. It may list the plugin's layers in
``netspec.layers`` and its other hooks in ``netspec.hooks``: such a plugin is imported when one of
these is used, one that lists nothing whenever a layer is not found elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

PLUGINS = "netspec"
LAYERS = "netspec.layers"
HOOKS = "netspec.hooks"


class Installed(NamedTuple):
    """A plugin that may be imported; ``layers`` and ``hooks`` are None where none are listed."""

    name: str
    package: str
    version: str
    entry: Any  # importlib.metadata's EntryPoint, whose import takes as long as reading a spec
    layers: frozenset[str] | None
    hooks: frozenset[str] | None

    def lists(self, layer: str) -> bool:
        """Whether its package lists a layer of that name, short or full."""
        plugin, _, short = layer.rpartition(".")
        return plugin in ("", self.name) and short in (self.layers or ())

    def may_have_layer(self, name: str) -> bool:
        """Whether it has to be imported for a name, which may be a class's: lists have none."""
        plugin, _, short = name.rpartition(".")
        if plugin not in ("", self.name):
            return False
        return self.layers is None or short in self.layers or short != short.lower()

    def may_have_hook(self) -> bool:
        """Whether it has to be imported where hooks are called."""
        return self.hooks is None or bool(self.hooks)

    def refuses_version(self, version: str) -> str:
        """What the package needs of netspec, where this version is another; else an empty text."""
        if self.entry.dist is None:
            return ""
        for text in self.entry.dist.requires or ():
            if text.startswith("netspec") and text[7:8] in "<>=!~ ([;":
                from packaging.requirements import InvalidRequirement, Requirement

                try:
                    needed = Requirement(text)
                except InvalidRequirement:
                    continue
                if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                    continue
                if not needed.specifier.contains(version, prereleases=True):
                    return f"netspec{needed.specifier}"
        return ""


def installed_plugins() -> Iterator[Installed]:
    """Those of all packages, by their names.

    Raises:
        Exception: the metadata of some package is broken.
    """
    from importlib.metadata import entry_points

    found = entry_points()
    listed = {group: list(found.select(group=group)) for group in (LAYERS, HOOKS)}
    plugins = sorted(found.select(group=PLUGINS), key=lambda entry: entry.name)
    for entry in plugins:
        package = entry.dist.name if entry.dist else entry.value
        own = {
            group: {other.name for other in entries if _is_of(other, entry)}
            for group, entries in listed.items()
        }
        is_listed = any(own.values())
        yield Installed(
            entry.name,
            package,
            entry.dist.version if entry.dist else "",
            entry,
            frozenset(own[LAYERS]) if is_listed else None,
            frozenset(own[HOOKS]) if is_listed else None,
        )


def _is_of(other: Any, plugin: Any) -> bool:
    """Whether an entry point lists something of a plugin: same package, same module."""
    packages = [entry.dist.name if entry.dist else None for entry in (other, plugin)]
    return packages[0] == packages[1] and other.module == plugin.module


def chosen_names(text: str | None) -> bool | Collection[str]:
    """What ``NETSPEC_PLUGINS`` says: all where it is not set, else those of its names."""
    if text is None:
        return True
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
