"""The registry: plugins, their layers, and what each plugin failed with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from netspec.declaration import LayerType, Refusal
from netspec.registry import hookspecs
from netspec.registry.apart import Fault, run_apart
from netspec.registry.installed import Installed, chosen_names, installed_plugins
from netspec.registry.known import package_of
from netspec.spec.words import is_word_of_the_language
from netspec.version import __version__

if TYPE_CHECKING:
    from netspec.placement.strategy import Strategy

CHOICE = "NETSPEC_PLUGINS"


class PluginError(Exception):
    """A plugin cannot be used; the registry is as it was before it came."""


class PluginWarning(UserWarning):
    """A plugin was disabled while a model was built; the next one, or netspec, did its work."""


class Plugin(NamedTuple):
    """A plugin and the package that it came from; ``problem`` says why it is disabled."""

    name: str
    package: str
    version: str
    layers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    problem: str | None = None

    def __str__(self) -> str:
        """``netspec-transformer 0.1.0``"""
        return f"{self.package} {self.version}".strip()

    @property
    def title(self) -> str:
        """What messages call it, with its name and its package."""
        return f"the plugin {self.name!r} of {self}"


class RegisteredLayer(NamedTuple):
    """A layer and the plugin that brought it."""

    layer: LayerType
    plugin: Plugin

    @property
    def full_name(self) -> str:
        """``torchvision.stochastic_depth``: it stays this layer's, whatever else is installed."""
        return f"{self.plugin.name}.{self.layer.name}"


class RegisteredStrategy(NamedTuple):
    """A strategy of placement and the plugin that brought it."""

    strategy: Strategy
    plugin: Plugin


class Registry:
    """The layers and hooks that specs can use.

    Nothing is shared between registries: a test or a program makes its own.

    Args:
        builtin: with torch.nn's layers and netspec's own placement.
        installed: with the plugins of the entry-point group ``netspec``: True for all of them, or
            the names of some. They are looked for when a layer is asked for that is not there
            yet, when a hook is called, or when all layers are listed.
    """

    def __init__(self, *, builtin: bool = True, installed: bool | Collection[str] = False) -> None:
        self._manager = pluggy.PluginManager("netspec")
        self._manager.add_hookspecs(hookspecs)
        self._own: dict[str, RegisteredLayer] = {}  # netspec's, by name and by class
        self._others: dict[str, list[RegisteredLayer]] = {}  # by short and by full name, by class
        self._layers: list[RegisteredLayer] = []
        self._plugins: dict[str, Plugin] = {}
        self._choice = installed
        self._waiting: list[Installed] = []  # installed, and not yet imported
        self._left_out: list[Installed] = []
        self._missing: tuple[str, ...] = ()
        self._is_scanned = installed is False
        if builtin:
            from netspec import layers
            from netspec.placement import hooks

            self.register(layers, name="torch.nn", package="netspec", version=__version__)
            self.register(hooks, name="placement", package="netspec", version=__version__)

    # ---- hooks

    def first(self, hook: str, fault: Callable[[Any], str], **arguments: Any) -> Any:
        """What the first plugin gives that gives something; netspec's own comes last.

        A plugin that raises, or in whose answer ``fault`` finds one, is disabled with a
        PluginWarning, and the next is asked.

        Raises:
            Refusal: a plugin refuses what it is asked, and says why.
            Exception: netspec's own implementation raised it.
        """
        self._import(Installed.may_have_hook)
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self._plugins[implementation.plugin_name]
            given = [arguments[name] for name in implementation.argnames]
            try:
                answer = implementation.function(*given)
                problem = "" if answer is None else fault(answer)
            except Refusal:
                raise
            except (Exception, SystemExit) as raised:
                if plugin.package == "netspec":
                    raise
                problem = " ".join(f"{type(raised).__name__}: {raised}".split())
            else:
                if not problem and answer is not None:
                    return answer
            if problem:
                self._disable(plugin, f"{hook} failed: {problem}")
        return None

    def _disable(self, plugin: Plugin, problem: str) -> None:
        """Its hooks are called no more; the layers of models that are being built stay."""
        self._manager.unregister(name=plugin.name)
        message = f"{plugin.title}: {problem}"
        self._plugins[plugin.name] = plugin._replace(problem=message)
        warnings.warn(f"a plugin is disabled: {message}", PluginWarning, stacklevel=4)

    def is_extended(self, hook: str) -> bool:
        """Whether a plugin other than netspec's own implements a hook."""
        self._import(Installed.may_have_hook)
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return any(self._plugins[i.plugin_name].package != "netspec" for i in implementations)

    def strategies(self) -> dict[str, RegisteredStrategy]:
        """The strategies of placement by their words; netspec's own first.

        A plugin whose strategies cannot be used is disabled with a PluginWarning.
        """
        self._import(Installed.may_have_hook)
        found: dict[str, RegisteredStrategy] = {}
        for implementation in self._manager.hook.netspec_strategies.get_hookimpls():
            plugin = self._plugins[implementation.plugin_name]
            problem = ""
            try:
                given = run_apart(
                    partial(_listed, implementation.function), "netspec_strategies failed"
                )
                problem = _fault_of_strategies(given, found)
            except Fault as fault:
                problem = str(fault)
            if problem:
                self._disable(plugin, problem)
            else:
                found |= {one.word: RegisteredStrategy(one, plugin) for one in given}
        return found

    # ---- registering

    def register(
        self, plugin: object, *, name: str | None = None, package: str = "", version: str = ""
    ) -> None:
        """Adds a plugin: a module or an object with functions marked ``hookimpl``.

        Raises:
            PluginError: a layer's name is netspec's or not allowed, a hook is unknown or has
                other arguments than its specification, or the plugin raises. Nothing is changed
                then.
        """
        name = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        self._register(plugin, Plugin(name, package or name, version))

    def _register(self, plugin: object, info: Plugin) -> None:
        other = self._plugins.get(info.name)
        if other is not None:
            raise PluginError(f"{info.title} is registered already, by {other}")
        if self._manager.is_registered(plugin):
            raise PluginError(
                f"{info.title} is registered already, as {self._manager.get_name(plugin)!r}"
            )
        self._accept(plugin, info)

    def _accept(self, plugin: object, info: Plugin) -> None:
        """Validates first, then commits, so that a bad plugin leaves no trace."""
        try:
            self._manager.register(plugin, info.name)
            self._manager.check_pending()
        except Exception as problem:
            self._manager.unregister(plugin) if self._manager.is_registered(plugin) else None
            raise PluginError(f"{info.title}: {problem}") from problem
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
            self._add(RegisteredLayer(layer, info))

    def _add(self, one: RegisteredLayer) -> None:
        layer = one.layer
        self._layers.append(one)
        if one.plugin.package == "netspec":
            self._own[layer.name] = one
            self._own.setdefault(layer.alias, one)
            return
        full = (one.full_name, f"{one.plugin.name}.{layer.alias}")
        for name in dict.fromkeys((layer.name, layer.alias, *full)):
            self._others.setdefault(name, []).append(one)

    def _layers_of(self, plugin: object, info: Plugin) -> Sequence[LayerType]:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        caller = self._manager.subset_hook_caller("netspec_layers", others)

        def given() -> list[LayerType]:
            return [layer for group in caller() for layer in group]

        try:
            layers = (
                given() if info.package == "netspec" else run_apart(given, "netspec_layers failed")
            )
        except Fault as problem:
            raise PluginError(f"{info.title}: {problem}") from problem
        seen: set[str] = set()
        for layer in layers:
            if not isinstance(layer, LayerType):
                raise PluginError(f"{info.title} gives {layer!r}, which is not a layer")
            if is_word_of_the_language(layer.name):
                raise PluginError(
                    f"{info.title} calls a layer {layer.name!r}, a word of the language"
                )
            if layer.name in seen:
                raise PluginError(f"{info.title} gives the layer {layer.name!r} twice")
            seen.add(layer.name)
            other = self._own.get(layer.name)
            if other is not None:
                raise PluginError(
                    f"the layer {layer.name!r} is registered twice: by {other.plugin} and by {info}"
                )
            if info.package != "netspec":  # netspec's own tests look at its layers
                self._derive(layer, info)
        return layers

    @staticmethod
    def _derive(layer: LayerType, info: Plugin) -> None:
        """Reads the declaration whole, which takes time: later it must not fail."""
        try:
            _ = layer.arguments, layer.further
            if not layer.inputs:
                raise TypeError("its rule takes no input")
        except Exception as problem:
            raise PluginError(
                f"{info.title}: the layer {layer.name!r} is not well declared: {problem}"
            ) from problem

    # ---- looking up

    def find(self, name: str) -> RegisteredLayer | None:
        """The layer of that name, full name or class name; None where there is not just one.

        What netspec's own names mean does not depend on what is installed, and a plugin is
        imported only for a name that it may have.
        """
        found = self.candidates(name)
        return found[0] if len(found) == 1 else None

    def candidates(self, name: str) -> tuple[RegisteredLayer, ...]:
        """The layers that a name may mean: several where plugins have the same short name."""
        own = self._own.get(name)
        if own is not None:
            return (own,)
        self._import(lambda one: one.may_have_layer(name))
        return tuple(self._others.get(name, ()))

    def layers(self) -> dict[str, RegisteredLayer]:
        """All layers by name, by full name where several plugins have the same."""
        self._import(lambda one: True)
        return {
            one.layer.name if self.find(one.layer.name) == one else one.full_name: one
            for one in self._layers
        }

    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins in the order of their coming, also those that are disabled."""
        self._import(lambda one: True)
        return tuple(self._plugins.values())

    def disabled(self) -> tuple[Plugin, ...]:
        """The installed plugins that cannot be used, as far as they were looked for."""
        return tuple(plugin for plugin in self._plugins.values() if plugin.problem)

    def remedy(self, name: str) -> str:
        """What to do for a layer that a plugin is known to have: install it, or choose it."""
        self._scan()
        package = package_of(name)
        for one in self._left_out:
            if one.lists(name) or one.package == package:
                return f"{_plugin(one)} has it, but the plugin {one.name!r} was not chosen"
        if not package or any(plugin.package == package for plugin in self.plugins()):
            return ""
        return f"`pip install {package}` brings it"

    # ---- installed plugins

    def not_installed(self) -> tuple[str, ...]:
        """The plugins that were chosen, but are not there."""
        self._scan()
        return self._missing

    def _scan(self) -> None:
        """Reads what is installed, once."""
        if self._is_scanned:
            return
        self._is_scanned = True
        try:
            found = list(installed_plugins())
        except Exception as problem:  # metadata of any installed package may be broken
            text = f"the installed packages cannot be listed: {type(problem).__name__}: {problem}"
            self._plugins["installed"] = Plugin("installed", "unknown", "", problem=text)
            return
        if isinstance(self._choice, bool):
            self._waiting = found
            return
        self._waiting = [one for one in found if one.name in self._choice]
        self._left_out = [one for one in found if one.name not in self._choice]
        known = {one.name for one in found}
        self._missing = tuple(name for name in self._choice if name not in known)
        for name in self._missing:
            text = f"the plugin {name!r} is chosen, but not installed"
            self._plugins[name] = Plugin(name, "unknown", "", problem=text)

    def _import(self, is_wanted: Callable[[Installed], bool]) -> None:
        """Registers those installed plugins that may be of use now."""
        self._scan()
        if not self._waiting:
            return
        wanted = [one for one in self._waiting if is_wanted(one)]
        self._waiting = [one for one in self._waiting if one not in wanted]
        for one in wanted:
            info = _plugin(one)
            try:
                self._load(one, info)
            except PluginError as problem:
                # A broken plugin disables itself, never the program.
                key = info.name if info.name not in self._plugins else str(info)
                self._plugins[key] = info._replace(problem=str(problem))

    def _load(self, one: Installed, info: Plugin) -> None:
        needed = one.refuses_version(__version__)
        if needed:
            raise PluginError(f"{info.title} needs {needed}, but this is netspec {__version__}")
        try:
            plugin = run_apart(one.entry.load, "cannot be imported")
        except Fault as problem:
            raise PluginError(f"{info.title} {problem}") from problem
        self._register(plugin, info)


def _listed(function: Callable[..., Any]) -> list[Strategy]:
    return list(function())


def _fault_of_strategies(given: Sequence[object], known: Collection[str]) -> str:
    """What is wrong with the strategies of a plugin; empty where nothing is."""
    from netspec.placement.document import OWN_WORDS
    from netspec.placement.strategy import Strategy

    for one in given:
        if not isinstance(one, Strategy):
            return f"it gives {one!r}, which is no strategy"
        if one.word in known or one.word in OWN_WORDS:
            return f"its strategy {one.word!r} has a name that is taken"
        try:
            _ = one.declared.arguments
        except Exception as problem:
            return f"the strategy {one.word!r} is not well declared: {problem}"
    return ""


def _plugin(one: Installed) -> Plugin:
    """What is known of a plugin before it is imported."""
    return Plugin(one.name, one.package, one.version)


def default_registry() -> Registry:
    """The registry of everybody who names none: torch.nn's layers and the installed plugins.

    ``NETSPEC_PLUGINS`` may name those that are used (``einops,torchvision``; empty for none).
    """
    return _registry(os.environ.get(CHOICE))


@cache
def _registry(choice: str | None) -> Registry:
    return Registry(installed=chosen_names(choice))
