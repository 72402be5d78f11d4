"""The installed plugins as the metadata of their packages states them: nothing is imported here.

A package names its plugin in the entry-point group ``netspec``. It may list the plugin's layers in
``netspec.layers`` and its other hooks in ``netspec.hooks``: such a plugin is imported when one of
these is used, one that lists nothing whenever a layer is not found elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from netspec.diagnostics.failure import failure

PLUGINS = "netspec"
LAYERS = "netspec.layers"
HOOKS = "netspec.hooks"


class Installed(NamedTuple):
    """A plugin that may be imported; ``layers`` and ``hooks`` are None where none are listed."""

    name: str
    package: str
    version: str
    entry: Any  # importlib.metadata's EntryPoint, whose import takes as long as reading a spec
    requires: tuple[str, ...]
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
                if other.group == group and other.module == entry.module
            )
            for group in (LAYERS, HOOKS)
        }
        is_listed = any(own.values())
        yield Installed(
            entry.name,
            distribution.metadata["Name"],
            distribution.metadata["Version"] or "",
            entry,
            tuple(distribution.requires or ()),
            own[LAYERS] if is_listed else None,
            own[HOOKS] if is_listed else None,
        )


def chosen_names(text: str | None) -> bool | Collection[str]:
    """What ``NETSPEC_PLUGINS`` says: all where it is not set, else those of its names."""
    if text is None:
        return True
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
