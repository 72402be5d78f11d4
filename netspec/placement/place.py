"""Puts layers on their devices, and has values moved where the device changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import torch
from torch import nn

from netspec.building.flow import Flow
from netspec.building.weights import tie
from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostics, SpecError
from netspec.diagnostics.failure import failure, shown
from netspec.placement.inputs import MoveInputs
from netspec.planning import Plan, PlannedChild, PlannedLayer, PlannedScope
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
    used = set(devices.values())
    if len(used) > 1 or waiting or registry.is_extended("netspec_place"):
        layers = [one for one in plan.layers if not one.is_reused and one.path not in waiting]
        _place_layers(model, layers, devices, registry)
        for own in plan.parameters:
            _move(model, own.path, devices[own.path])
        _connect(model, plan.root, devices[""], devices)
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


def _place_layers(
    model: nn.Module,
    layers: Sequence[PlannedLayer],
    devices: Mapping[str, torch.device],
    registry: Registry,
) -> None:
    modules = [model.get_submodule(layer.path) for layer in layers]
    calls = [
        {"module": module, "path": layer.path, "device": str(devices[layer.path])}
        for module, layer in zip(modules, layers, strict=True)
    ]
    answers = registry.first_for_each("netspec_place", _no_module, calls)
    for module, layer, placed in zip(modules, layers, answers, strict=True):
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


def _connect(
    module: nn.Module,
    child: PlannedChild,
    incoming: torch.device,
    devices: Mapping[str, torch.device],
) -> torch.device:
    """Adds a hook where values come from another device; gives the device of the output."""
    if isinstance(child, PlannedLayer):
        device = devices[child.path]
        if device != incoming:
            module.register_forward_pre_hook(MoveInputs(device), with_kwargs=True)
        return device
    if child.steps is None:
        for inner in child.children:
            incoming = _connect(module.get_submodule(inner.name), inner, incoming, devices)
        return incoming
    return _connect_flow(module, child, incoming, devices)


def _connect_flow(
    module: nn.Module,
    scope: PlannedScope,
    incoming: torch.device,
    devices: Mapping[str, torch.device],
) -> torch.device:
    assert isinstance(module, Flow)
    assert scope.steps is not None
    at = dict.fromkeys(range(len(scope.inputs)), incoming)
    steps = list(module._steps)
    for index, step in enumerate(scope.steps):
        if step.planned is not None:
            inner_module = module.get_submodule(step.planned.name)
            incoming_here = at[step.inputs[0]]
            if isinstance(step.planned, PlannedLayer):
                # Any input from elsewhere makes a hook, which moves them all.
                own = devices[step.planned.path]
                incoming_here = next(
                    (at[number] for number in step.inputs if at[number] != own), own
                )
            result = _connect(inner_module, step.planned, incoming_here, devices)
        elif step.kind == "parameter":
            assert step.child is not None
            result = devices[scope.parameters[step.child].path]
        else:
            result = at[step.inputs[0]]
            if any(at[number] != result for number in step.inputs):
                steps[index] = steps[index]._replace(device=result)
        at.update(dict.fromkeys(step.outputs, result))
    module._steps = tuple(steps)
    return at[scope.results.values[0]]
