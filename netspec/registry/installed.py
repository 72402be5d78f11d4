"""The installed plugins as the metadata of their packages states them: nothing is imported here.

A package names its plugin in the entry-point group ``netspec``. It may list what the plugin brings
by name in the groups of ``KINDS`` (``netspec.layers``, ``netspec.blocks`` ...) and its other hooks
in ``netspec.hooks``: such a plugin is imported when one of these is used, one that lists nothing
whenever a name is not found elsewhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from netspec.diagnostics.failure import failure

PLUGINS = "netspec"
HOOKS = "hooks"
LAYERS = "layers"
BLOCKS = "blocks"
INITIALISERS = "initialisers"
STRATEGIES = "strategies"
EXPORTERS = "exporters"
COMMANDS = "commands"
#: What plugins bring by name. Each is a hook (``netspec_blocks``) and, but for strategies, which
#: are listed as a hook, a group of entry points (``netspec.blocks``).
KINDS = (LAYERS, BLOCKS, INITIALISERS, STRATEGIES, EXPORTERS, COMMANDS)
GROUPS = (LAYERS, BLOCKS, INITIALISERS, EXPORTERS, COMMANDS, HOOKS)


class Installed(NamedTuple):
    """A plugin that may be imported; ``listed`` is None where its package lists nothing."""

    name: str
    package: str
    version: str
    entry: Any  # importlib.metadata's EntryPoint, whose import takes as long as reading a spec
    requires: tuple[str, ...]
    listed: Mapping[str, frozenset[str]] | None

    def lists(self, name: str, *groups: str) -> bool:
        """Whether its package lists that name, short or full, in one of the groups."""
        plugin, _, short = name.rpartition(".")
        listed = self.listed or {}
        return plugin in ("", self.name) and any(short in listed.get(group, ()) for group in groups)

    def may_have_layer(self, name: str) -> bool:
        """Whether it has to be imported for a layer's or block's name.

        It may be a layer's class, which no list has.
        """
        plugin, _, short = name.rpartition(".")
        if plugin not in ("", self.name):
            return False
        return self.may_have(name, LAYERS, BLOCKS) or short != short.lower()

    def may_have(self, name: str, *groups: str) -> bool:
        """Whether it has to be imported for a name of these groups."""
        if self.listed is None:
            return name.rpartition(".")[0] in ("", self.name)
        return self.lists(name, *groups)

    def may_have_hook(self, hook: str) -> bool:
        """Whether it has to be imported where a hook is called."""
        return self.listed is None or hook in self.listed[HOOKS]

    def lists_any(self, group: str) -> bool:
        """Whether its package lists anything in a group."""
        return self.listed is not None and bool(self.listed[group])

    def refuses_version(self, version: str) -> str:
        """What the package needs of netspec, where this version is another; else an empty text."""
        for text in self.requires:
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


class Broken(NamedTuple):
    """A package whose metadata cannot be read."""

    package: str
    problem: str


class Found(NamedTuple):
    """What is installed, by names."""

    plugins: tuple[Installed, ...]
    broken: tuple[Broken, ...]


def installed_plugins() -> Found:
    """The plugins of all packages; one whose metadata is broken hides no other.

    Raises:
        Exception: a folder of packages cannot be listed.
    """
    from importlib.metadata import distributions

    plugins: list[Installed] = []
    broken: list[Broken] = []
    seen: set[str] = set()
    for distribution in distributions():
        package = ""
        try:
            if not _has_plugin(distribution):
                continue
            package = distribution.metadata["Name"] or ""
            # Of several with one name the first is what is imported.
            if package and package not in seen:
                seen.add(package)
                plugins += _plugins_of(_first(package))
            elif not package:
                raise LookupError("its METADATA has no Name")
        except Exception as problem:
            broken.append(Broken(package or _folder(distribution), failure(problem)))
    return Found(
        tuple(sorted(plugins, key=lambda one: (one.name, one.package))), tuple(sorted(broken))
    )


def _has_plugin(distribution: Any) -> bool:
    """Whether its entry points are of the group; most packages' need not be parsed."""
    return f"[{PLUGINS}]" in (distribution.read_text("entry_points.txt") or "")


def _first(package: str) -> Any:
    from importlib.metadata import distribution

    return distribution(package)


def _folder(distribution: Any) -> str:
    """Where the metadata lie, for a package that does not say its name."""
    path = getattr(distribution, "_path", None)
    return getattr(path, "name", "") or "unknown"


def _plugins_of(distribution: Any) -> Iterator[Installed]:
    entries = list(distribution.entry_points)
    for entry in entries:
        if entry.group != PLUGINS:
            continue
        own = {
            group: frozenset(
                other.name
                for other in entries
                if other.group == f"{PLUGINS}.{group}" and other.module == entry.module
            )
            for group in GROUPS
        }
        yield Installed(
            entry.name,
            distribution.metadata["Name"],
            distribution.metadata["Version"] or "",
            entry,
            tuple(distribution.requires or ()),
            own if any(own.values()) else None,
        )


def is_listed_anywhere(word: str) -> bool:
    """Whether the entry points of any package have a word.

    It is asked for each check of a spec, for which ``importlib.metadata`` alone takes too long; a
    package that does not lie in a folder (but in a zip file) is not seen.
    """
    wanted = word.encode()
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                    if wanted in file.read():
                        return True
            except OSError:
                continue
    return False


def chosen_names(text: str | None) -> bool | Collection[str]:
    """What ``NETSPEC_PLUGINS`` says: all where it is not set, else those of its names."""
    if text is None:
        return True
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
