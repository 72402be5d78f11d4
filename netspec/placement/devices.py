"""Which device each layer goes to, found and tried before any weight exists."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from netspec.declaration import Refusal
from netspec.diagnostics import Diagnostic, Diagnostics, Location, Span, SpecError
from netspec.placement.document import Placement
from netspec.placement.layout import Layout
from netspec.planning import Plan, PlannedLayer, PlannedParameter
from netspec.registry import Registry
from netspec.registry.devices import no_text


def resolve_devices(
    plan: Plan,
    device: str,
    registry: Registry,
    layout: Layout | None = None,
    placement: Placement | None = None,
) -> Mapping[str, torch.device]:
    """The device of every layer, and parameter of a container, by path; ``""`` is the model's own.

    Args:
        layout: where it gives a layer a device, that counts instead of the spec's.
        placement: of the layout, for messages.

    Raises:
        SpecError: a device is not there; the message lists those that are.
    """
    found = Diagnostics()
    resolved: dict[str, torch.device | str] = {device: _resolve(device, registry)}
    wanted: dict[str, str] = {}
    homes: list[PlannedLayer | PlannedParameter] = [*plan.layers, *plan.parameters]
    for layer in homes:
        placed = None if layout is None else layout.placed(layer.path).device
        name = placed or layer.device
        if name is None:
            continue
        wanted[layer.path] = name
        if name not in resolved:
            resolved[name] = _resolve(name, registry)
            problem = resolved[name]
            if isinstance(problem, str):
                span = _stated(plan, layer)
                if placed is not None and placement is not None:
                    span = placement.span_of(placed)
                found.error("no-device", problem, span, help=[_available()])
    problem = resolved[device]
    if isinstance(problem, str):
        where = Location(f"device={device!r}")
        diagnostic = Diagnostic("no-device", problem, where, help=(_available(),))
        raise SpecError([diagnostic, *found.all()])
    if found.failed:
        raise SpecError(found.all())
    default = problem
    devices = {"": default}
    for layer in homes:
        chosen = resolved[wanted[layer.path]] if layer.path in wanted else default
        assert isinstance(chosen, torch.device)
        devices[layer.path] = chosen
    return devices


def _resolve(request: str, registry: Registry) -> torch.device | str:
    """The device, or what is wrong with it."""
    try:
        name: str = registry.first("netspec_resolve_device", no_text, request=request)
    except Refusal as problem:
        return str(problem)
    answer = f" (for {request!r})" if name != request else ""
    try:
        device = torch.device(name)
    except RuntimeError:
        return f"{name!r}{answer} is not the name of a device"
    try:
        torch.empty(0, device=device)
    except Exception as problem:  # each backend has exceptions of its own for "not here"
        reason = str(problem).partition("\n")[0].partition(". ")[0]
        return f"the device {name}{answer} is not there: {reason}"
    return device


def _available() -> str:
    names = ["cpu", "meta"]
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None:
        count = torch.accelerator.device_count()
        names += [f"{accelerator.type}:{index}" for index in range(count)]
    return f"this machine has {', '.join(names)}; `auto` takes the best of them"


def _stated(plan: Plan, layer: PlannedLayer | PlannedParameter) -> Span:
    """Where the layer's device is written: at the layer, or at the innermost container."""
    if layer.origin.states("device"):
        return layer.origin.reserved("device")
    around = [
        scope
        for scope in plan.scopes()
        if scope.origin.states("device")
        and scope.device == layer.device
        and layer.path.startswith(f"{scope.path}.")
    ]
    return around[-1].origin.reserved("device") if around else layer.origin.span()
