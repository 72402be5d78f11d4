"""The registry: plugins, their layers, and what each plugin failed with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import pluggy

from netspec.declaration import LayerType
from netspec.registry import hookspecs
from netspec.spec.words import is_word_of_the_language
from netspec.version import __version__

ENTRY_POINT_GROUP = "netspec"


class PluginError(Exception):
    """A plugin cannot be used; the registry is as it was before it came."""


class Plugin(NamedTuple):
    """A plugin and the package that it came from; ``problem`` says why it is disabled."""

    name: str
    package: str
    version: str
    layers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    problem: str | None = None


class RegisteredLayer(NamedTuple):
    """A layer and the plugin that brought it."""

    layer: LayerType
    plugin: Plugin


class Registry:
    """The layers and hooks that specs can use.

    Nothing is shared between registries: a test or a program makes its own. ``installed`` adds
    every plugin of the entry-point group ``netspec``, looked for when a layer is asked for that
    is not there yet, or when all layers are listed.
    """

    def __init__(self, *, builtin: bool = True, installed: bool = False) -> None:
        self._manager = pluggy.PluginManager("netspec")
        self._manager.add_hookspecs(hookspecs)
        self._layers: dict[str, RegisteredLayer] = {}
        self._aliases: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}
        self._installed_wanted = installed
        if builtin:
            from netspec import layers
            from netspec.placement import hooks

            self.register(layers, name="torch.nn", package="netspec", version=__version__)
            self.register(hooks, name="placement", package="netspec", version=__version__)

    @property
    def hook(self) -> Any:
        """pluggy's callers: ``registry.hook.netspec_resolve_device(request="auto")``."""
        return self._manager.hook

    def is_extended(self, hook: str) -> bool:
        """Whether a plugin other than netspec's own implements a hook."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return any(self._plugins[i.plugin_name].package != "netspec" for i in implementations)

    def register(
        self, plugin: object, *, name: str | None = None, package: str = "", version: str = ""
    ) -> None:
        """Adds a plugin: a module or an object with functions marked ``hookimpl``.

        Raises:
            PluginError: a layer's name is taken or not allowed, a hook is unknown or has other
                arguments than its specification, or the plugin raises. Nothing is changed then.
        """
        name = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        info = Plugin(name, package or name, version)
        if name in self._plugins:
            other = self._plugins[name]
            raise PluginError(
                f"the plugin {name!r} of {_package(info)} is registered already, "
                f"by {_package(other)}"
            )
        if self._manager.is_registered(plugin):
            raise PluginError(
                f"the plugin {name!r} of {_package(info)} is registered already, "
                f"as {self._manager.get_name(plugin)!r}"
            )
        self._accept(plugin, info)

    def _accept(self, plugin: object, info: Plugin) -> None:
        """Validates first, then commits, so that a bad plugin leaves no trace."""
        try:
            self._manager.register(plugin, info.name)
            self._manager.check_pending()
        except Exception as problem:
            self._manager.unregister(plugin) if self._manager.is_registered(plugin) else None
            raise PluginError(
                f"the plugin {info.name!r} of {_package(info)}: {problem}"
            ) from problem
        try:
            layers = self._layers_of(plugin, info)
        except BaseException:
            self._manager.unregister(plugin)
            raise
        hooks = tuple(caller.name for caller in self._manager.get_hookcallers(plugin) or ())
        names = tuple(layer.name for layer in layers)
        info = Plugin(info.name, info.package, info.version, names, hooks)
        self._plugins[info.name] = info
        for layer in layers:
            self._layers[layer.name] = RegisteredLayer(layer, info)
            self._aliases.setdefault(layer.alias, layer.name)

    def _layers_of(self, plugin: object, info: Plugin) -> Sequence[LayerType]:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        caller = self._manager.subset_hook_caller("netspec_layers", others)
        who = f"the plugin {info.name!r} of {_package(info)}"
        try:
            given: Any = caller()
            layers = [layer for group in given for layer in group]
        except (Exception, SystemExit) as problem:
            raise PluginError(
                f"{who}: netspec_layers failed: {type(problem).__name__}: {problem}"
            ) from problem
        seen: set[str] = set()
        for layer in layers:
            if not isinstance(layer, LayerType):
                raise PluginError(f"{who} gives {layer!r}, which is not a layer")
            if is_word_of_the_language(layer.name):
                raise PluginError(f"{who} calls a layer {layer.name!r}, a word of the language")
            if layer.name in seen:
                raise PluginError(f"{who} gives the layer {layer.name!r} twice")
            seen.add(layer.name)
            other = self._registered(layer.name)
            if other is not None:
                raise PluginError(
                    f"the layer {layer.name!r} is registered twice: by {_package(other.plugin)} "
                    f"and by {_package(info)}"
                )
            if info.package != "netspec":  # netspec's own tests look at its layers
                self._derive(layer, who)
        return layers

    @staticmethod
    def _derive(layer: LayerType, who: str) -> None:
        """Reads the declaration whole, which takes time: later it must not fail."""
        try:
            _ = layer.arguments, layer.further
            if not layer.inputs:
                raise TypeError("its rule takes no input")
        except Exception as problem:
            raise PluginError(
                f"{who}: the layer {layer.name!r} is not well declared: {problem}"
            ) from problem

    # ---- looking up

    def find(self, name: str) -> RegisteredLayer | None:
        """The layer of that name, or of that class name; installed plugins are asked last."""
        found = self._registered(name)
        if found is None and self._scan():
            found = self._registered(name)
        return found

    def _registered(self, name: str) -> RegisteredLayer | None:
        return self._layers.get(name) or self._layers.get(self._aliases.get(name, ""))

    def layers(self) -> dict[str, RegisteredLayer]:
        """All layers by name, those of installed plugins too."""
        self._scan()
        return dict(self._layers)

    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins in the order of their coming, also those that are disabled."""
        self._scan()
        return tuple(self._plugins.values())

    def disabled(self) -> tuple[Plugin, ...]:
        """The installed plugins that cannot be used, as far as they were looked for."""
        return tuple(plugin for plugin in self._plugins.values() if plugin.problem)

    def _scan(self) -> bool:
        """Registers the installed plugins, once; whether it did."""
        if not self._installed_wanted:
            return False
        self._installed_wanted = False
        try:
            entries = list(_entry_points())
        except Exception as problem:  # metadata of any installed package may be broken
            text = f"the installed packages cannot be listed: {type(problem).__name__}: {problem}"
            self._plugins["installed"] = Plugin("installed", "unknown", "", problem=text)
            return True
        for entry in entries:
            distribution = entry.dist
            info = Plugin(
                entry.name,
                distribution.name if distribution else entry.value,
                distribution.version if distribution else "",
            )
            try:
                self._load(entry, info)
            except PluginError as problem:
                # A broken plugin disables itself, never the program.
                key = info.name if info.name not in self._plugins else _package(info)
                self._plugins[key] = Plugin(
                    info.name, info.package, info.version, problem=str(problem)
                )
        return True

    def _load(self, entry: Any, info: Plugin) -> None:
        try:
            plugin = entry.load()
        except (Exception, SystemExit) as problem:
            raise PluginError(
                f"the plugin {info.name!r} of {_package(info)} cannot be imported: "
                f"{type(problem).__name__}: {problem}"
            ) from problem
        self.register(plugin, name=info.name, package=info.package, version=info.version)


def _entry_points() -> Iterable[Any]:
    # Imported here: it costs as much as reading a spec, and most specs need no plugin.
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)


def _package(plugin: Plugin) -> str:
    return f"{plugin.package} {plugin.version}".strip()


@cache
def default_registry() -> Registry:
    """The registry of everybody who names none: torch.nn's layers and the installed plugins."""
    return Registry(installed=True)
