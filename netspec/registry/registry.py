"""The registry: plugins, their layers, and what each plugin failed with."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from netspec.declaration import (
    Command,
    Exporter,
    Finding,
    FromClass,
    InitialiserType,
    LayerType,
    Refusal,
)
from netspec.diagnostics.failure import failure, one_line, shown
from netspec.plugin_calls import Fault, call_plugin
from netspec.registry import hookspecs
from netspec.registry.answers import answers
from netspec.registry.installed import (
    BLOCKS,
    COMMANDS,
    EXPORTERS,
    INITIALISERS,
    KINDS,
    LAYERS,
    STRATEGIES,
    Installed,
    chosen_names,
    installed_plugins,
    listing,
)
from netspec.registry.known import further_package_of, package_of
from netspec.registry.metadata import Broken
from netspec.registry.plugin import Plugin
from netspec.registry.table import Brought, Table
from netspec.registry.wrappers import call_wrapped, is_wrapper
from netspec.spec.words import is_word_of_the_language
from netspec.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from netspec.placement.strategy import Strategy
    from netspec.planning.plan import Plan
    from netspec.spec import Block

CHOICE = "NETSPEC_PLUGINS"


class PluginError(Exception):
    """A plugin cannot be used; the registry is as it was before it came."""


class PluginWarning(UserWarning):
    """A plugin was disabled while a model was built; the next one, or netspec, did its work."""


class RegisteredLayer(NamedTuple):
    """A layer and the plugin that brought it."""

    layer: LayerType
    plugin: Plugin

    @property
    def full_name(self) -> str:
        """``torchvision.stochastic_depth``: it stays this layer's, whatever else is installed."""
        return f"{self.plugin.name}.{self.layer.name}"

    @property
    def own_name(self) -> str:
        """The name that means this layer in every registry that has it: netspec's is short."""
        return self.layer.name if self.plugin.package == "netspec" else self.full_name


class PackageBlock(NamedTuple):
    """A block of a plugin, called by its full name, and those that its layers may name."""

    block: Block
    siblings: Mapping[str, Block]


#: A finding of a lint, or what the plugin is disabled for.
Linted = tuple[Plugin, Finding | str]


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
        self._lock = threading.RLock()  # while plugins are imported, registered or disabled
        self._importing: list[Installed] = []
        self._manager = pluggy.PluginManager("netspec")
        self._manager.add_hookspecs(hookspecs)
        self._own: dict[str, RegisteredLayer] = {}  # netspec's, by name and by class
        self._others: dict[str, list[RegisteredLayer]] = {}  # by short and by full name, by class
        self._layers: list[RegisteredLayer] = []
        self._tables: dict[str, Table[Any]] = {kind: Table() for kind in KINDS if kind != LAYERS}
        self._plugins: dict[str, Plugin] = {}
        self._choice = installed
        self._waiting: list[Installed] = []  # installed, and not yet imported
        self._left_out: list[Installed] = []
        self._missing: tuple[str, ...] = ()
        self._is_scanned = installed is False
        if builtin:
            from netspec import layers, own_placement

            self.register(layers, name="torch.nn", package="netspec", version=__version__)
            self.register(own_placement, name="placement", package="netspec", version=__version__)

    # ---- hooks

    def first(self, hook: str, fault: Callable[[Any], str], **arguments: Any) -> Any:
        """What the first plugin gives that gives something; netspec's own comes last.

        A plugin that raises, or in whose answer ``fault`` finds one, is disabled with a
        PluginWarning, and the next is asked.

        Raises:
            Refusal: a plugin refuses what it is asked, and says why.
            Exception: netspec's own implementation raised it.
        """
        self._import(lambda one: one.may_have_hook(hook))
        functions, wrappers = self._implementations(hook)
        ask = partial(self._first, hook, functions, fault, arguments)
        if not wrappers:
            return ask()
        return call_wrapped(wrappers, arguments, ask, fault, partial(self._disable_hook, hook))

    def _first(
        self,
        hook: str,
        functions: Sequence[Any],
        fault: Callable[[Any], str],
        arguments: Mapping[str, Any],
    ) -> Any:
        for implementation in functions:
            plugin = self._plugins[implementation.plugin_name]
            if plugin.package == "netspec":
                answer = implementation.function(*[arguments[n] for n in implementation.argnames])
                if answer is not None:
                    return answer
                continue
            try:
                answer = self._call(hook, implementation, arguments)
            except Fault as fault_:
                self._disable(plugin, str(fault_))
                continue
            problem = "" if answer is None else fault(answer)
            if problem:
                self._disable(plugin, f"{hook} failed: {problem}")
            elif answer is not None:
                return answer
        return None

    def first_for_each(
        self, hook: str, fault: Callable[[Any], str], calls: Sequence[Mapping[str, Any]]
    ) -> list[Any]:
        """Like ``first`` for many calls, of plugins alone; None where no plugin answers.

        Each plugin is asked at once for all calls that are left to it. A Refusal is an answer.
        Where a plugin wraps the hook, netspec's own implementation answers, too.
        """
        self._import(lambda one: one.may_have_hook(hook))
        functions, wrappers = self._implementations(hook)
        if wrappers:  # each call by itself, as wrappers see it
            return [self._answer(hook, fault, call) for call in calls]
        answers: list[Any] = [None] * len(calls)
        for implementation in functions:
            plugin = self._plugins[implementation.plugin_name]
            if plugin.package == "netspec":
                continue
            places = [place for place, answer in enumerate(answers) if answer is None]
            ask = partial(_ask, implementation, [calls[p] for p in places])
            try:
                given = call_plugin(ask, f"{hook} failed")
            except Fault as problem:
                if isinstance(problem.__cause__, Warning):
                    raise problem.__cause__ from None
                self._disable(plugin, str(problem))
                continue
            known = [one for one in given if one is not None and not isinstance(one, Exception)]
            wrong = next(filter(None, map(fault, known)), "")
            if wrong:
                self._disable(plugin, f"{hook} failed: {wrong}")
                continue
            for place, answer in zip(places, given, strict=True):
                answers[place] = answer
        return answers

    def _answer(self, hook: str, fault: Callable[[Any], str], call: Mapping[str, Any]) -> Any:
        try:
            return self.first(hook, fault, **call)
        except Warning:
            raise
        except Exception as problem:
            return problem

    def _implementations(self, hook: str) -> tuple[list[Any], list[Any]]:
        """The functions of a hook in the order of their calls, and the wrappers around them."""
        all = getattr(self._manager.hook, hook).get_hookimpls()
        functions = [one for one in reversed(all) if not is_wrapper(one)]
        return functions, [one for one in all if is_wrapper(one)]

    def _disable_hook(self, hook: str, implementation: Any, problem: str) -> None:
        self._disable(self._plugins[implementation.plugin_name], f"{hook} failed: {problem}")

    @staticmethod
    def _call(hook: str, implementation: Any, arguments: Mapping[str, Any]) -> Any:
        """
        Raises:
            Fault: it raises; Refusal: it refuses; Warning: one that it gives is
            to be an error (``python -W error``).
        """
        given = [arguments[name] for name in implementation.argnames]
        try:
            return call_plugin(lambda: implementation.function(*given), f"{hook} failed")
        except Fault as problem:
            if isinstance(problem.__cause__, Refusal | Warning):
                raise problem.__cause__ from None
            raise

    def built(self, model: nn.Module, plan: Plan, weights: str) -> None:
        """Shows a model to the plugins that want to look at it.

        One that fails, or gives something, is disabled with a PluginWarning.

        Raises:
            Refusal: a plugin refuses the model.
        """
        hook = "netspec_built"
        self._import(lambda one: one.may_have_hook(hook))
        arguments = {"model": model, "plan": plan, "weights": weights}
        functions, wrappers = self._implementations(hook)
        show = partial(self._built, hook, functions, arguments)
        call_wrapped(wrappers, arguments, show, _only_looks, partial(self._disable_hook, hook))

    def _built(self, hook: str, functions: Sequence[Any], arguments: Mapping[str, Any]) -> None:
        for implementation in functions:
            plugin = self._plugins[implementation.plugin_name]
            try:
                answer = self._call(hook, implementation, arguments)
            except Fault as problem:
                self._disable(plugin, str(problem))
                continue
            if answer is not None:
                self._disable(plugin, f"{hook} {_only_looks(answer)}")

    def lint(self, plan: Plan) -> Iterator[Linted]:
        """What the plugins' lints find in a plan, and what those are disabled for that fail.

        Only plugins that list ``netspec_lint`` are imported for it.
        """
        hook = "netspec_lint"
        before = self.disabled()
        self._import(lambda one: one.listed is not None and one.may_have_hook(hook))
        for plugin in self.disabled():
            if plugin not in before and plugin.problem:
                yield plugin, plugin.problem
        functions, wrappers = self._implementations(hook)
        if not functions and not wrappers:
            return
        found: list[Linted] = []
        owners: dict[int, Plugin] = {}  # a wrapper sees findings, not plugins

        def lint_all() -> list[list[Finding]]:
            lists = []
            for implementation in functions:
                plugin = self._plugins[implementation.plugin_name]
                try:
                    lists.append(self._findings(implementation, plan))
                except Fault as problem:
                    found.append((plugin, self._unregister(plugin, str(problem))))
                    continue
                owners.update((id(one), plugin) for one in lists[-1])
            return lists

        def fault(lists: Any) -> str:
            try:
                _require_findings([one for some in lists for one in some], plan)
            except (Fault, TypeError) as problem:
                return str(problem)
            return ""

        def disable(implementation: Any, problem: str) -> None:
            plugin = self._plugins[implementation.plugin_name]
            found.append((plugin, self._unregister(plugin, f"{hook} failed: {problem}")))

        lists = call_wrapped(wrappers, {"plan": plan}, lint_all, fault, disable)
        yield from found
        for one in (one for some in lists or () for one in some):
            yield owners.get(id(one)) or self._plugins[wrappers[-1].plugin_name], one

    @staticmethod
    def _findings(implementation: Any, plan: Plan) -> list[Finding]:
        """
        Raises:
            Fault: it fails, or gives what are no findings about this plan.
        """
        given = {"plan": plan}
        arguments = [given[name] for name in implementation.argnames]
        found = answers("netspec_lint", [lambda: implementation.function(*arguments)])
        _require_findings(found, plan)
        return found

    def _disable(self, plugin: Plugin, problem: str) -> None:
        """Its hooks are called no more; the layers of models that are being built stay."""
        message = self._unregister(plugin, problem)
        warnings.warn(f"a plugin is disabled: {message}", PluginWarning, stacklevel=4)

    def disable(self, name: str, problem: str) -> str:
        """Calls the hooks of a plugin no more, since something that it brought has failed.

        Gives the message, with its package and version.
        """
        return self._unregister(self._plugins[name], problem)

    def _unregister(self, plugin: Plugin, problem: str) -> str:
        with self._lock:
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)
            message = plugin.faulty(problem)
            self._plugins[plugin.name] = plugin._replace(problem=message)
            return message

    def is_extended(self, hook: str) -> bool:
        """Whether a plugin other than netspec's own implements a hook."""
        self._import(lambda one: one.may_have_hook(hook))
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return any(self._plugins[i.plugin_name].package != "netspec" for i in implementations)

    # ---- what plugins bring by name, beside layers

    def strategies(self) -> dict[str, RegisteredStrategy]:
        """The strategies of placement by their words, those of plugins by full names too."""
        self._import(lambda one: one.may_have_hook("netspec_strategies"))
        found = dict(self._own_strategies)
        for name, brought in self._tables[STRATEGIES].all().items():
            for key in (name, brought.full_name):
                found[key] = RegisteredStrategy(brought.value, brought.plugin)
        return found

    @cached_property
    def _own_strategies(self) -> dict[str, RegisteredStrategy]:
        found: dict[str, RegisteredStrategy] = {}
        for implementation in self._manager.hook.netspec_strategies.get_hookimpls():
            plugin = self._plugins.get(implementation.plugin_name)  # None while one is added
            if plugin is not None and plugin.package == "netspec":
                own: Any = implementation.function()
                found |= {one.word: RegisteredStrategy(one, plugin) for one in own}
        return found

    def find_block(self, name: str) -> PackageBlock | None:
        """The block of a plugin; None where the name means a layer, nothing, or several things."""
        if name in self._own:
            return None
        layers, blocks = self.candidates(name), self.blocks_named(name)
        return blocks[0].value if len(blocks) == 1 and not layers else None

    def blocks_named(self, name: str) -> tuple[Brought[PackageBlock], ...]:
        """The blocks of plugins that a name may mean."""
        self._import(lambda one: one.may_have_layer(name))
        return self._tables[BLOCKS].candidates(name)

    def blocks(self) -> dict[str, Brought[PackageBlock]]:
        """All blocks of plugins."""
        return self._all(BLOCKS)

    def initialisers_named(self, name: str) -> tuple[Brought[InitialiserType], ...]:
        """The initialisers that a name may mean: torch's own, or those of plugins."""
        own = self._own_initialisers.get(name)
        return self._named(INITIALISERS, name) if own is None else (own,)

    def initialisers(self) -> dict[str, Brought[InitialiserType]]:
        """All initialisers, torch's own first."""
        return {**self._own_initialisers, **self._all(INITIALISERS)}

    @cached_property
    def _own_initialisers(self) -> dict[str, Brought[InitialiserType]]:
        found: dict[str, Brought[InitialiserType]] = {}
        for implementation in self._manager.hook.netspec_initialisers.get_hookimpls():
            plugin = self._plugins.get(implementation.plugin_name)  # None while one is added
            if plugin is not None and plugin.package == "netspec":
                own: Any = implementation.function()
                found |= {one.name: Brought(one.name, one, plugin) for one in own}
        return found

    def exporters_named(self, name: str) -> tuple[Brought[Exporter], ...]:
        """The exporters that a format's name may mean."""
        return self._named(EXPORTERS, name)

    def exporters(self) -> dict[str, Brought[Exporter]]:
        """All exporters."""
        return self._all(EXPORTERS)

    def commands_named(self, name: str) -> tuple[Brought[Command], ...]:
        """The commands of plugins that a word may mean; they have to be listed."""
        self._import(lambda one: one.lists(name, COMMANDS))
        return self._tables[COMMANDS].candidates(name)

    def commands(self) -> dict[str, Brought[Command]]:
        """The commands of all plugins that list some."""
        self._import(lambda one: one.lists_any(COMMANDS))
        return self._tables[COMMANDS].all()

    def _named(self, kind: str, name: str) -> tuple[Brought[Any], ...]:
        self._import(lambda one: one.may_have(name, kind))
        return self._tables[kind].candidates(name)

    def _all(self, kind: str) -> dict[str, Brought[Any]]:
        self._import(lambda one: one.listed is None or one.lists_any(kind))
        return self._tables[kind].all()

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
        with self._lock:
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
        except BaseException as problem:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            if not isinstance(problem, Exception | SystemExit):
                raise
            what = one_line(str(problem)) if _is_pluggys(problem) else failure(problem)
            raise PluginError(f"{info.title}: {what}") from problem
        try:
            layers = self._layers_of(plugin, info)
            further = {} if info.package == "netspec" else self._further_of(plugin, info, layers)
        except BaseException:
            self._manager.unregister(plugin)
            raise
        hooks = self._hooks_of(plugin)
        names = tuple(layer.name for layer in layers)
        brings = {kind: tuple(things) for kind, things in further.items() if things}
        info = Plugin(info.name, info.package, info.version, names, hooks, brings=brings)
        self._plugins[info.name] = info
        for kind, things in further.items():
            for name, value in things.items():
                self._tables[kind].add(Brought(name, value, info))
        for layer in layers:
            self._add(RegisteredLayer(layer, info))

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        return tuple(caller.name for caller in self._manager.get_hookcallers(plugin) or ())

    def _add(self, one: RegisteredLayer) -> None:
        layer = one.layer
        self._layers.append(one)
        if one.plugin.package == "netspec":
            self._own[layer.name] = one
            self._own.setdefault(layer.alias, one)
            return
        names = (layer.name, layer.alias, *layer.was)
        for name in dict.fromkeys((*names, *(f"{one.plugin.name}.{name}" for name in names))):
            self._others.setdefault(name, []).append(one)

    def _layers_of(self, plugin: object, info: Plugin) -> Sequence[LayerType]:
        layers: Sequence[LayerType]
        try:
            functions = self._functions(plugin, "netspec_layers")
            if info.package == "netspec":
                own: Sequence[Callable[[], Sequence[LayerType]]] = functions
                layers = [layer for given in own for layer in given()]
            else:
                layers = answers("netspec_layers", functions) if functions else []
        except Fault as problem:
            raise PluginError(info.faulty(str(problem))) from problem
        seen: set[str] = set()
        for layer in layers:
            if not isinstance(layer, LayerType):
                raise PluginError(f"{info.title} gives {shown(layer)}, which is not a layer")
            self._check_former_names(layer, layers, info)
            if not isinstance(layer.name, str) or not layer.name.isidentifier():
                raise PluginError(
                    f"{info.title} calls a layer {shown(layer.name)}, which is no name"
                )
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

    def _check_former_names(
        self, layer: LayerType, layers: Sequence[LayerType], info: Plugin
    ) -> None:
        """
        Raises:
            PluginError: a former name of the layer is no name, or that of another layer.
        """
        for old in layer.was:
            what = f"{info.title} says that the layer {layer.name!r} was {shown(old)}"
            if not isinstance(old, str) or not old.isidentifier() or is_word_of_the_language(old):
                raise PluginError(f"{what}, which is no name")
            others = [one for one in layers if one is not layer and isinstance(one, LayerType)]
            if old in self._own or any(old in (one.name, *one.was) for one in others):
                raise PluginError(f"{what}, which is another layer")

    def _functions(self, plugin: object, hook: str) -> list[Callable[[], Any]]:
        """A plugin's own implementations of a hook."""
        found = [
            one for one in getattr(self._manager.hook, hook).get_hookimpls() if one.plugin is plugin
        ]
        if any(is_wrapper(one) for one in found):
            raise Fault(f"{hook} is a wrapper, but each plugin is asked by itself: wrap nothing")
        return [one.function for one in found]

    def _further_of(
        self, plugin: object, info: Plugin, layers: Sequence[LayerType]
    ) -> dict[str, dict[str, Any]]:
        """What a plugin brings beside layers: by kind and name.

        Raises:
            PluginError: something of it is not what it should be, or its name is not.
        """
        found: dict[str, dict[str, Any]] = {}
        for kind in self._tables:
            hook = f"netspec_{kind}"
            try:
                functions = self._functions(plugin, hook)
                if not functions:
                    continue
                from netspec.registry.gather import named  # few plugins bring more than layers

                found[kind] = dict(named(kind, answers(hook, functions)))
            except Fault as problem:
                raise PluginError(info.faulty(str(problem))) from problem
        for name in found.get(INITIALISERS, {}):
            if name in self._own_initialisers:
                raise PluginError(f"{info.title} calls an initialiser {name!r}, which is torch's")
        for name in found.get(STRATEGIES, {}):
            if name in self._own_strategies:
                raise PluginError(f"{info.title} calls a strategy {name!r}, which is netspec's")
        taken = {layer.name for layer in layers}
        siblings: dict[str, Block] = {}
        for name, block in found.get(BLOCKS, {}).items():
            if name in taken or name in self._own:
                other = f"netspec {__version__}" if name in self._own else "itself"
                raise PluginError(f"{info.title} calls a block {name!r}, as a layer of {other}")
            siblings[name] = replace(block, name=f"{info.name}.{name}")
        if siblings:
            found[BLOCKS] = {name: PackageBlock(own, siblings) for name, own in siblings.items()}
        return found

    @staticmethod
    def _derive(layer: LayerType, info: Plugin) -> None:
        """Reads the declaration whole, which takes time: later it must not fail.

        That of a class is read when the layer is used, as it imports the class.
        """
        try:
            if not isinstance(layer.target, str) or "." not in layer.target:
                raise TypeError(f"{shown(layer.target)} is not the dotted path of a class")
            if isinstance(layer, FromClass):
                return
            _ = layer.arguments, layer.further
            if not layer.inputs:
                raise TypeError("its rule takes no input")
            if layer.obvious is not None and layer.obvious not in layer.arguments:
                raise TypeError(f"it has no argument {shown(layer.obvious)}, its obvious one")
        except Exception as problem:
            raise PluginError(
                f"{info.title}: the layer {layer.name!r} is not well declared: {failure(problem)}"
            ) from problem

    # ---- looking up

    def find(self, name: str) -> RegisteredLayer | None:
        """The layer of that name, full name or class name; None where there is not just one.

        What netspec's own names mean does not depend on what is installed, and a plugin is
        imported only for a name that it may have.
        """
        found = self.candidates(name)
        if len(found) != 1 or (name not in self._own and self._tables[BLOCKS].candidates(name)):
            return None
        return found[0]

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
            if one.lists(name, LAYERS, BLOCKS) or one.package == package:
                return f"{_plugin(one)} has it, but the plugin {one.name!r} was not chosen"
        self._import(lambda one: True)
        for found in self._others.get(name, ()):  # a package lists some of its layers, not this
            module = getattr(self._manager.get_plugin(found.plugin.name), "__name__", "")
            line = listing(found.layer.name, module)
            return (
                f"{found.plugin} has it, but does not list it: its pyproject.toml needs `{line}` "
                'under [project.entry-points."netspec.layers"]'
            )
        if not package or any(plugin.package == package for plugin in self.plugins()):
            return ""
        return f"`pip install {package}` provides it"

    def remedy_for(self, kind: str, name: str) -> str:
        """As ``remedy``, for what plugins bring of another kind."""
        self._scan()
        package = further_package_of(kind, name)
        for one in self._left_out:
            if one.lists(name, kind):
                return f"{_plugin(one)} has it, but the plugin {one.name!r} was not chosen"
        if not package or any(plugin.package == package for plugin in self._plugins.values()):
            return ""
        return f"`pip install {package}` provides it"

    # ---- installed plugins

    def not_installed(self) -> tuple[str, ...]:
        """The plugins that were chosen, but are not there."""
        self._scan()
        return self._missing

    def _scan(self) -> None:
        """Reads what is installed, once."""
        if self._is_scanned:
            return
        with self._lock:
            if not self._is_scanned:
                self._scan_now()
                self._is_scanned = True  # at the end: other threads go on from here

    def _scan_now(self) -> None:
        try:
            found, broken = installed_plugins()
        except Exception as problem:
            text = f"the installed packages cannot be listed: {failure(problem)}"
            self._plugins["installed"] = Plugin("installed", "unknown", "", problem=text)
            return
        if isinstance(self._choice, bool):
            self._tell(broken)
            self._waiting = list(found)
            return
        self._left_out = [one for one in found if one.name not in self._choice]
        known = {one.name for one in found}
        self._missing = tuple(name for name in self._choice if name not in known)
        if self._missing:  # one of those that cannot be read may be meant
            self._tell(broken)
        for name in self._missing:
            text = f"the plugin {name!r} is chosen, but not installed"
            self._plugins[name] = Plugin(name, "unknown", "", problem=text)
        self._waiting = [one for one in found if one.name in self._choice]

    def _tell(self, broken: Sequence[Broken]) -> None:
        for package, problem in broken:
            text = f"the metadata of {package} cannot be read: {problem}"
            self._plugins[package] = Plugin(package, package, "", problem=text)

    def _import(self, is_wanted: Callable[[Installed], bool]) -> None:
        """Registers those installed plugins that may be of use now.

        A plugin waits until it is registered or has failed: other threads wait for it at the
        lock, and Ctrl-C while it is imported leaves it to the next call.
        """
        self._scan()
        if not any(is_wanted(one) for one in self._waiting):
            return
        with self._lock:
            for one in [one for one in self._waiting if is_wanted(one)]:
                if one in self._waiting and one not in self._importing:
                    self._import_one(one)

    def _import_one(self, one: Installed) -> None:
        info = _plugin(one)
        self._importing.append(one)  # which may ask this registry for layers
        try:
            self._load(one, info)
        except PluginError as problem:
            # A broken plugin disables itself, never the program.
            key = info.name if info.name not in self._plugins else str(info)
            self._plugins[key] = info._replace(problem=str(problem))
        finally:
            self._importing.remove(one)
        self._waiting = [other for other in self._waiting if other is not one]

    def _load(self, one: Installed, info: Plugin) -> None:
        try:
            needed = one.refuses_version(__version__)
        except Exception as problem:  # a marker may compare anything
            raise PluginError(
                f"{info.title} needs what cannot be read: {failure(problem)}"
            ) from problem
        if needed:
            raise PluginError(f"{info.title} needs {needed}, but this is netspec {__version__}")
        try:
            plugin = call_plugin(one.load, "cannot be imported")
        except Fault as problem:
            raise PluginError(info.faulty(str(problem))) from problem
        self._register(plugin, info)


def _require_findings(found: Sequence[Any], plan: Plan) -> None:
    """
    Raises:
        Fault: something is no finding about the plan.
    """
    for one in found:
        if not isinstance(one, Finding):
            raise Fault(f"gives {shown(one)}, which is not a Finding")
        texts = (one.code, one.message, one.path, one.help, one.argument or "")
        if not all(isinstance(text, str) for text in texts) or not one.code:
            raise Fault(f"gives a Finding of what are no texts: {shown(one)}")
        if plan.module(one.path) is None:
            raise Fault(f"finds something at {one.path[:60]!r}, which the plan does not have")


def _only_looks(answer: object) -> str:
    return "" if answer is None else f"gives {shown(answer)}, but only looks"


def _is_pluggys(problem: BaseException) -> bool:
    """Whether it is pluggy's own message about a hook, which needs no name of a class."""
    return isinstance(problem, pluggy.PluginValidationError)


def _ask(implementation: Any, calls: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What an implementation answers to each call; a Refusal is an answer."""
    answers: list[Any] = []
    for call in calls:
        try:
            answer = implementation.function(*[call[name] for name in implementation.argnames])
        except Refusal as problem:
            answer = problem
        answers.append(answer)
    return answers


def _plugin(one: Installed) -> Plugin:
    """What is known of a plugin before it is imported."""
    return Plugin(one.name, one.package, one.version)


def default_registry() -> Registry:
    """The registry of everybody who names none: torch.nn's layers and the installed plugins.

    ``NETSPEC_PLUGINS`` may name those that are used (``einops,torchvision``; empty for none).
    """
    with _LOCK:
        return _registry(os.environ.get(CHOICE))


_LOCK = threading.Lock()  # so that threads that begin together share one registry


@cache
def _registry(choice: str | None) -> Registry:
    return Registry(installed=chosen_names(choice))
