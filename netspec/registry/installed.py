"""The installed plugins as the metadata of their packages states them: nothing is imported here.

A package names its plugin in the entry-point group ``netspec``. It may list what the plugin brings
by name in the groups of ``KINDS`` (``netspec.layers``, ``netspec.blocks`` ...) and its other hooks
in ``netspec.hooks``: such a plugin is imported when one of these is used, one that lists nothing
whenever a name is not found elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

from netspec.registry.metadata import Broken, Package, packages_with

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
#: What most say of netspec; for all else there is ``packaging``, whose import takes a while.
RELEASE = re.compile(r"\d+(\.\d+)*\Z", re.ASCII)
AT_LEAST = re.compile(r"netspec *>= *(\d+(?:\.\d+)*)\Z", re.ASCII)


class Installed(NamedTuple):
    """A plugin that may be imported; ``listed`` is None where its package lists nothing."""

    name: str
    package: str
    version: str
    target: str  # ``module`` or ``module:attribute``
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

    def load(self) -> object:
        """The plugin, imported.

        Raises:
            Exception: there is no such module or attribute, or the module raises.
        """
        module, _, attributes = self.target.partition(":")
        found: object = import_module(module)
        for name in attributes.split(".") if attributes else ():
            found = getattr(found, name)
        return found

    def refuses_version(self, version: str) -> str:
        """What the package needs of netspec, where this version is another; else an empty text."""
        for text in self.requires:
            simple = AT_LEAST.match(text)
            if simple and RELEASE.match(version):
                if _release(version) < _release(simple[1]):
                    return f"netspec>={simple[1]}"
            elif text.startswith("netspec") and text[7:8] in "<>=!~ ([;":
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


class Found(NamedTuple):
    """What is installed, by names."""

    plugins: tuple[Installed, ...]
    broken: tuple[Broken, ...]


def installed_plugins() -> Found:
    """The plugins of all packages; one whose metadata is broken hides no other.

    Raises:
        Exception: an archive of packages cannot be read.
    """
    packages, broken = packages_with(PLUGINS)
    found = [one for package in packages for one in _plugins_of(package)]
    return Found(tuple(sorted(found, key=lambda one: (one.name, one.package))), broken)


def _plugins_of(package: Package) -> Iterator[Installed]:
    for name, target in package.entry_points.get(PLUGINS, {}).items():
        own = {group: _listed(package, f"{PLUGINS}.{group}", _module(target)) for group in GROUPS}
        listed = own if any(own.values()) else None
        yield Installed(name, package.name, package.version, target, package.requires, listed)


def _listed(package: Package, group: str, module: str) -> frozenset[str]:
    """The names of a group that are a plugin's: those whose entries name its module."""
    entries = package.entry_points.get(group, {})
    return frozenset(name for name, target in entries.items() if _module(target) == module)


def listing(name: str, module: str) -> str:
    """The line of the entry points that lists a layer."""
    return f'{name} = "{module}:{name}"'


def _module(target: str) -> str:
    return target.partition(":")[0].strip()


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version, of which zeros at the end say nothing."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def chosen_names(text: str | None) -> bool | Collection[str]:
    """What ``NETSPEC_PLUGINS`` says: all where it is not set, else those of its names."""
    if text is None:
        return True
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
