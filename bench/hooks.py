"""Plans and builds with plugins whose hooks answer nothing, against those without plugins."""

from __future__ import annotations

from collections.abc import Callable

import netspec
from bench.measure import Line, compare
from bench.texts import NAMED, SEED_SPEC, chain
from netspec.plugin import LayerType, Output, TensorType, hookimpl, layer

Work = Callable[[netspec.Registry], object]

AIM = 1.05
PLUGINS = 20


def lines(rounds: int) -> list[Line]:
    """The first-party plugins are those that are installed, the twenty have a layer each."""
    none, own, many = netspec.Registry(), netspec.Registry(installed=True), with_layers(PLUGINS)
    text = chain(NAMED, 1000)
    spec, seed = netspec.loads(text), netspec.load(SEED_SPEC)

    def line(
        what: str,
        work: Callable[[netspec.Registry], object],
        registry: netspec.Registry,
        times: int,
    ) -> Line:
        return compare(what, lambda: work(registry), lambda: work(none), AIM, rounds * 3, times)

    def build(registry: netspec.Registry) -> object:
        return netspec.build(netspec.plan(spec, registry=registry), device="cpu", registry=registry)

    known = "first-party plugins, against none"
    return [
        line(f"build 1,000 layers with {known}", build, own, 1),
        line(f"plan 1,000 layers with {known}", lambda r: netspec.plan(spec, registry=r), own, 5),
        line(
            f"- with {PLUGINS} plugins, against none",
            lambda r: netspec.plan(spec, registry=r),
            many,
            5,
        ),
        line(
            f"plan the seed MLP with {PLUGINS} plugins, against none",
            lambda r: netspec.plan(seed, registry=r),
            many,
            20,
        ),
        line(
            f"check 1,000 layers with {PLUGINS} plugins, against none",
            lambda r: netspec.check(text, registry=r),
            many,
            1,
        ),
    ]


def with_layers(count: int) -> netspec.Registry:
    """A registry with so many plugins, each with a layer that no measured spec uses."""
    registry = netspec.Registry()
    for number in range(count):
        registry.register(_plugin(number), name=f"plugin{number}")
    return registry


def _plugin(number: int) -> object:
    def rule(input: TensorType) -> Output:
        """Returns its input."""
        return Output(input.shape)

    rule.__name__ = f"layer{number}"
    declared = layer("torch.nn.Identity")(rule)

    class Plugin:
        @hookimpl
        def netspec_layers(self) -> list[LayerType]:
            return [declared]

    return Plugin()
