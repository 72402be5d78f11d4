"""A registry is a value: independent of others, unchanged by what fails, complete in messages."""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import netspec
from netspec.plugin import LayerType, Output, TensorType, hookimpl, layer
from netspec.registry import (
    Plugin,
    PluginError,
    PluginWarning,
    RegisteredLayer,
    default_registry,
    hookspecs,
)

MakePlugin = Callable[..., ModuleType]


@layer("torch.nn.ReLU")
def glow(input: TensorType) -> Output:
    """Does nothing that relu would not do."""
    return Output(input.shape)


def called(name: str, target: str = "torch.nn.ReLU") -> LayerType:
    """A layer of that name."""
    return LayerType(name, target, glow.rule)


SPEC = netspec.from_dict({"netspec": 1, "input": ["N", 2], "layers": ["glow"]})


def test_registries_are_independent(make_plugin: MakePlugin) -> None:
    one, other = netspec.Registry(), netspec.Registry()
    one.register(make_plugin("shining", glow))
    assert one.find("glow") is not None
    assert other.find("glow") is None
    assert default_registry().find("glow") is None
    assert netspec.check(SPEC, registry=one) == []
    assert [found.code for found in netspec.check(SPEC, registry=other)] == ["unknown-layer"]


def test_a_registry_without_built_in_layers_is_empty(make_plugin: MakePlugin) -> None:
    registry = netspec.Registry(builtin=False)
    assert registry.layers() == {}
    registry.register(make_plugin("shining", glow), package="shining-layers", version="1.2")
    assert list(registry.layers()) == ["glow"]
    assert registry.plugins() == (
        Plugin("shining", "shining-layers", "1.2", ("glow",), ("netspec_layers",)),
    )


def test_what_a_registry_gives_out_does_not_change_it(make_plugin: MakePlugin) -> None:
    registry = netspec.Registry()
    registry.layers().clear()
    assert registry.find("relu") is not None


def test_built_in_layers_come_through_the_hook_of_every_plugin() -> None:
    from netspec import layers

    registry = netspec.Registry(builtin=False)
    registry.register(layers)
    assert registry.layers().keys() == netspec.Registry().layers().keys()


@pytest.mark.parametrize("name", ["conv2d", "Conv2d"])
def test_a_layer_is_found_by_its_name_and_by_its_class(name: str) -> None:
    found = netspec.Registry().find(name)
    assert found is not None
    assert found.layer.name == "conv2d"
    assert found.plugin.package == "netspec"


def test_the_class_name_of_a_plugin_is_an_alias_that_takes_none_away(
    make_plugin: MakePlugin,
) -> None:
    registry = netspec.Registry()
    registry.register(
        make_plugin("mine", called("my_conv", "mine.Conv2d"), called("shiny", "mine.Shiny"))
    )
    assert found_name(registry, "Shiny") == "shiny"
    assert found_name(registry, "Conv2d") == "conv2d"


def found_name(registry: netspec.Registry, name: str) -> str:
    found = registry.find(name)
    assert found is not None
    return found.layer.name


@pytest.mark.parametrize("name", ["linear", "Conv2d"])
def test_no_plugin_takes_a_name_of_netspec(name: str, make_plugin: MakePlugin) -> None:
    registry = netspec.Registry()
    with pytest.raises(PluginError) as caught:
        registry.register(make_plugin("two", called(name)), package="two-layers", version="2.0")
    assert f"by netspec {netspec.__version__} and by two-layers 2.0" in str(caught.value)
    assert repr(name) in str(caught.value)


def test_two_plugins_with_one_layer_name_are_told_apart(make_plugin: MakePlugin) -> None:
    registry = netspec.Registry()
    for name in ("one", "two"):
        plugin = make_plugin(name, called("glow"), called(f"ray_{name}"))
        registry.register(plugin, package=f"{name}-layers", version="1.0")
    assert registry.find("glow") is None
    assert [one.full_name for one in registry.candidates("glow")] == ["one.glow", "two.glow"]
    assert {"one.glow", "two.glow", "ray_one", "ray_two"} <= registry.layers().keys()
    assert "glow" not in registry.layers()
    (ambiguous,) = netspec.check(SPEC, registry=registry)
    assert ambiguous.code == "ambiguous-layer"
    assert ambiguous.message == "glow is a layer of one-layers 1.0 and two-layers 1.0"
    assert ambiguous.help == ("write `one.glow` or `two.glow`",)
    text = "netspec: 1\ninput: [N, 2]\nlayers: [one.glow, two.glow, ray_two, two.ray_two]\n"
    planned = netspec.plan(netspec.loads(text), registry=registry)
    assert [row.type for row in planned.layers] == ["glow", "glow", "ray_two", "ray_two"]


def test_a_plugin_whose_hook_fails_is_disabled_and_the_next_is_asked(
    make_plugin: MakePlugin,
) -> None:
    def raising(request: str) -> str:
        raise LookupError("the moon is full")

    def rubbish(request: str) -> int:
        return 42

    registry = netspec.Registry()
    for name, hook in (("raising", raising), ("rubbish", rubbish)):
        plugin = make_plugin(name, netspec_resolve_device=hook)
        registry.register(plugin, package=f"{name}-devices", version="0.3")
    spec = netspec.from_dict({"netspec": 1, "input": ["N", 2], "layers": ["relu"]})
    with pytest.warns(PluginWarning) as caught:
        netspec.build(spec, device="cpu", registry=registry)
    told = sorted(str(warning.message) for warning in caught)
    assert len(told) == 2
    assert "raising-devices 0.3: netspec_resolve_device failed: LookupError" in told[0]
    assert "rubbish-devices 0.3: netspec_resolve_device failed: it gives 42" in told[1]
    assert len(registry.disabled()) == 2
    netspec.build(spec, device="cpu", registry=registry)  # they are not asked again


def unknown_hook() -> None:
    """No hook is called so."""


def wrong_arguments(device: str) -> None:
    """netspec_resolve_device gives its request."""


def failing() -> None:
    raise LookupError("the weather is bad")


def leaving() -> None:
    raise SystemExit(3)


def rubbish() -> int:
    return 42


def words() -> list[str]:
    return ["relu"]


@layer("mine.Untyped")
def untyped(input, *, size) -> Output:  # type: ignore[no-untyped-def]
    """Its argument may be anything."""
    return Output(input.shape)


@layer("torch.nn.Mish")
def imaginary(input: TensorType, *, size: complex = 1j) -> Output:
    """Its argument cannot be written in YAML."""
    return Output(input.shape)


@layer("mine.Source")
def without_input(*, size: int) -> Output:
    """A layer is applied to something."""
    return Output((size,))


BAD: dict[str, tuple[tuple[LayerType, ...], dict[str, Callable[..., object]], str]] = {
    "a hook that there is not": ((glow,), {"netspec_layerz": unknown_hook}, "netspec_layerz"),
    "a hook with other arguments": (
        (glow,),
        {"netspec_resolve_device": wrong_arguments},
        "device",
    ),
    "a hook that raises": ((), {"netspec_layers": failing}, "LookupError: the weather is bad"),
    "a hook that exits": ((), {"netspec_layers": leaving}, "SystemExit: 3"),
    "rubbish": ((), {"netspec_layers": rubbish}, "'int' object is not iterable"),
    "texts": ((), {"netspec_layers": words}, "'relu', which is not a layer"),
    "a word of the language": ((glow, called("repeat")), {}, "'repeat', a word of the language"),
    "a key of items": ((glow, called("name")), {}, "'name', a word of the language"),
    "a part": ((glow, called("residual")), {}, "'residual', a word of the language"),
    "a word of later": ((glow, called("when")), {}, "'when', a word of the language"),
    "one layer twice": ((glow, called("glow")), {}, "gives the layer 'glow' twice"),
    "a taken name": ((glow, called("linear")), {}, "'linear' is registered twice"),
    "no type hints": ((glow, untyped), {}, "'untyped' is not well declared"),
    "a strange type hint": ((glow, imaginary), {}, "'imaginary' is not well declared"),
    "no input": ((glow, without_input), {}, "its rule takes no input"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_plugin_that_cannot_be_registered_leaves_no_trace(
    case: str, make_plugin: MakePlugin
) -> None:
    layers, hooks, words = BAD[case]
    placing = {"netspec_place": lambda module, path, device: module}
    registry = netspec.Registry()
    before = everything(registry)
    plugin = make_plugin("bad", *layers, **{**placing, **hooks})
    with pytest.raises(PluginError) as caught:
        registry.register(plugin, package="bad-layers", version="0.7")
    assert "bad-layers 0.7" in str(caught.value)
    assert words in str(caught.value)
    assert everything(registry) == before
    assert registry.find("glow") is None

    # What was taken back can come again, repaired.
    registry.register(make_plugin("bad", glow), package="bad-layers", version="0.8")
    assert netspec.check(SPEC, registry=registry) == []


def everything(
    registry: netspec.Registry,
) -> tuple[dict[str, RegisteredLayer], tuple[Plugin, ...], list[list[object]]]:
    """All that a registry holds: layers, plugins, and who implements which hook."""
    hooks = [
        [
            implementation.plugin
            for implementation in getattr(hooks_of(registry), name).get_hookimpls()
        ]
        for name in HOOKS
    ]
    return registry.layers(), registry.plugins(), hooks


def hooks_of(registry: netspec.Registry) -> Any:
    """Who implements what stands in pluggy's manager."""
    return registry._manager.hook


HOOKS = [name for name, _ in inspect.getmembers(hookspecs) if name.startswith("netspec_")]


@pytest.mark.parametrize("name", ["shining", "another name"])
def test_a_plugin_registered_twice_stays_registered_once(
    name: str, make_plugin: MakePlugin
) -> None:
    def netspec_resolve_device(request: str) -> str:
        return "meta"

    plugin = make_plugin("shining", glow, netspec_resolve_device=netspec_resolve_device)
    registry = netspec.Registry()
    registry.register(plugin)
    before = everything(registry)
    with pytest.raises(PluginError, match="is registered already"):
        registry.register(plugin, name=name)
    assert everything(registry) == before
    assert registry.first("netspec_resolve_device", lambda name: "", request="cpu") == "meta"


def test_a_plugin_can_be_an_object() -> None:
    class Shining:
        @hookimpl
        def netspec_layers(self) -> list[LayerType]:
            return [glow]

    registry = netspec.Registry()
    registry.register(Shining())
    assert registry.plugins()[-1].name == "Shining"
    assert netspec.check(SPEC, registry=registry) == []


def test_every_hook_is_specified_and_documented() -> None:
    assert "netspec_layers" in HOOKS
    for name in HOOKS:
        specification = getattr(hookspecs, name)
        assert hasattr(specification, "netspec_spec"), f"{name} is not marked as a hookspec"
        assert inspect.getdoc(specification), f"{name} has no docstring"
        assert None not in inspect.get_annotations(specification).values()
