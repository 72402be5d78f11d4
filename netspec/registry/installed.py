"""The installed plugins as the metadata of their packages states them: nothing is imported here.

A package names its plugin in the entry-point group ``netspec``. It may list what the plugin brings
by name in the groups of ``KINDS`` (``netspec.layers``, ``netspec.blocks`` ...) and its other hooks
in ``netspec.hooks``: such a plugin is imported when one of these is used, one that lists nothing
whenever a name is not found elsewhere.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

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


class Package(NamedTuple):
    """A package with a plugin: what its metadata say."""

    name: str
    version: str
    requires: tuple[str, ...]
    entry_points: Mapping[str, Mapping[str, str]]


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


def installed_plugins() -> Iterator[Installed]:
    """Those of all packages, by their names.

    Raises:
        Exception: the metadata of some package in an archive are broken.
    """
    found = [
        (name, target, package)
        for package in _packages()
        for name, target in package.entry_points.get(PLUGINS, {}).items()
    ]
    for name, target, package in sorted(found, key=lambda one: one[0]):
        own = {group: _listed(package, f"{PLUGINS}.{group}", _module(target)) for group in GROUPS}
        listed = own if any(own.values()) else None
        yield Installed(name, package.name, package.version, target, package.requires, listed)


def _listed(package: Package, group: str, module: str) -> frozenset[str]:
    """The names of a group that are a plugin's: those whose entries name its module."""
    entries = package.entry_points.get(group, {})
    return frozenset(name for name, target in entries.items() if _module(target) == module)


def _module(target: str) -> str:
    return target.partition(":")[0].strip()


def _packages() -> Iterator[Package]:
    """The packages on ``sys.path`` that have a plugin, each once: the first is what is imported.

    ``importlib.metadata`` reads all packages, in a hundred times the time; every check would wait
    for it.
    """
    seen: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        for package in _in_archive(folder) if os.path.isfile(folder) else _in_folder(folder):
            name = re.sub(r"[-_.]+", "-", package.name).lower()
            if name not in seen:
                seen.add(name)
                yield package


def _in_folder(folder: str) -> Iterator[Package]:
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return
    for name in names:
        if not name.endswith((".dist-info", ".egg-info")):
            continue
        path = os.path.join(folder, name)
        entry_points = _text(path, "entry_points.txt")
        if f"[{PLUGINS}]" in entry_points:
            metadata = _text(path, "METADATA") or _text(path, "PKG-INFO")
            yield _package(name.rpartition(".")[0], metadata, entry_points)


def _in_archive(file: str) -> Iterator[Package]:
    """
    Raises:
        Exception: the metadata of some package are broken.
    """
    from importlib.metadata import distributions

    for one in distributions(path=[file]):
        entry_points = one.read_text("entry_points.txt") or ""
        if f"[{PLUGINS}]" in entry_points:
            metadata = one.read_text("METADATA") or one.read_text("PKG-INFO") or ""
            yield _package(one.name, metadata, entry_points)


def _text(folder: str, name: str) -> str:
    """The text of a file of metadata; empty where there is none."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _package(name: str, metadata: str, entry_points: str) -> Package:
    """From the files' texts: https://packaging.python.org/en/latest/specifications/core-metadata/"""
    head, _, _ = metadata.partition("\n\n")
    fields = [line.partition(":") for line in head.splitlines()]
    values = [(field.strip().lower(), value.strip()) for field, _, value in fields]
    known = dict(reversed(values))
    requires = tuple(value for field, value in values if field == "requires-dist")
    stem, _, version = name.partition("-")
    return Package(
        known.get("name") or stem,
        known.get("version") or version,
        requires,
        _sections(entry_points),
    )


def _sections(text: str) -> dict[str, dict[str, str]]:
    """https://packaging.python.org/en/latest/specifications/entry-points/"""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1].strip(), {})
        elif line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            section[name.strip()] = target.partition("[")[0].strip()  # extras are of no use here
    return found


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
