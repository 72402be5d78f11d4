"""Puts layers on their devices, and has values moved where the device changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import torch
from torch import nn

from netspec.building.flow import Flow, operate_on
from netspec.building.weights import tie
from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostics, SpecError
from netspec.diagnostics.failure import failure, shown
from netspec.graph import Interpreter, Node
from netspec.placement.inputs import MoveInputs
from netspec.planning import Plan, PlannedLayer
from netspec.registry import Registry


def place(
    model: nn.Module,
    plan: Plan,
    devices: Mapping[str, torch.device],
    registry: Registry,
    waiting: Set[str] = frozenset(),
) -> nn.Module:
    """The model with every layer on its device; where all are the same, no hook is added.

    Args:
        waiting: the paths of layers whose weights stay where they are.

    Raises:
        SpecError: a layer cannot be moved. (A plugin that fails is disabled, and the next asked.)
    """
    layers = [one for one in plan.layers if not one.is_reused and one.path not in waiting]
    used = set(devices.values())
    placed: Sequence[Any] = ()
    if registry.is_extended("netspec_place"):
        placed = _placed_by_plugins(model, layers, devices, registry)
    if len(used) > 1 or waiting or any(one is not None for one in placed):
        _place_layers(model, layers, devices, placed)
        for own in plan.parameters:
            _move(model, own.path, devices[own.path])
        connector = _Connector(model, devices)
        connector.run(plan.graph, [devices[""]] * len(plan.inputs))
    elif used != {torch.device("cpu")}:  # where the layers were made
        model.to(devices[""])
    tie(model, plan)  # a move to another kind of device (meta, xla) makes new parameters
    return model


def _move(model: nn.Module, key: str, device: torch.device) -> None:
    """Moves the parameter of a container; to another kind of device it is a new one."""
    parameter = model.get_parameter(key)
    if parameter.device != device:
        path, _, name = key.rpartition(".")
        moved = nn.Parameter(parameter.detach().to(device), parameter.requires_grad)
        model.get_submodule(path).register_parameter(name, moved)


def _placed_by_plugins(
    model: nn.Module,
    layers: Sequence[PlannedLayer],
    devices: Mapping[str, torch.device],
    registry: Registry,
) -> list[Any]:
    """The module or the exception with which a plugin answers for each layer, or None."""
    modules = dict(model.named_modules(remove_duplicate=False))
    names = {device: str(device) for device in set(devices.values())}
    calls = [
        {"module": modules[layer.path], "path": layer.path, "device": names[devices[layer.path]]}
        for layer in layers
    ]
    return registry.first_for_each("netspec_place", _no_module, calls)


def _place_layers(
    model: nn.Module,
    layers: Sequence[PlannedLayer],
    devices: Mapping[str, torch.device],
    answers: Sequence[Any],
) -> None:
    """Puts each layer on its device, where no plugin has done so.

    Raises:
        SpecError: a layer cannot be moved, or a plugin refuses to.
    """
    for number, layer in enumerate(layers):
        module = model.get_submodule(layer.path)
        placed = answers[number] if answers else None
        if placed is None:
            try:
                placed = module.to(devices[layer.path])
            except Exception as problem:
                placed = problem
        if isinstance(placed, Exception):
            why = str(placed) if isinstance(placed, Refusal) else failure(placed)
            found = Diagnostics()
            found.error(
                "placement-failed",
                f"{layer.path} cannot be placed on {devices[layer.path]}: {why}",
                layer.origin.span(),
            )
            raise SpecError(found.all()) from placed
        if placed is not module:
            parent, _, name = layer.path.rpartition(".")
            model.get_submodule(parent).register_module(name, placed)


def _no_module(answer: object) -> str:
    return "" if isinstance(answer, nn.Module) else f"it gives {shown(answer)}, which is no module"


class _Connector(Interpreter[torch.device]):
    """Follows where values are, and has them moved where a layer or an operator needs it."""

    def __init__(self, model: nn.Module, devices: Mapping[str, torch.device]) -> None:
        super().__init__()
        self.model = model
        self.devices = devices

    def call_layer(self, node: Node, given: list[torch.device]) -> list[torch.device]:
        path = self.prefix + node.name
        device = self.devices[path]
        if any(one != device for one in given):
            move = MoveInputs(device)  # all inputs, where they are elsewhere
            self.model.get_submodule(path).register_forward_pre_hook(move, with_kwargs=True)
        return [device] * len(node.outputs)

    def call_function(self, node: Node, given: list[torch.device]) -> list[torch.device]:
        if any(one != given[0] for one in given):
            around = self.model.get_submodule(self.prefix.removesuffix("."))
            assert isinstance(around, Flow)
            operate_on(around, given[0], node.outputs)
        return [given[0]] * len(node.outputs)

    def get_parameter(self, node: Node) -> torch.device:
        return self.devices[self.prefix + node.name]
