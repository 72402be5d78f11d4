"""Tensor parallel: every parameter becomes a DTensor of the axis, divided or copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate, distribute_tensor
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    RowwiseParallel,
    parallelize_module,
)

from netspec.building.weights import tie
from netspec.distributed.randomness import divide_dropouts, draw_apart
from netspec.placement.context import Context


def tensor_parallel(
    model: nn.Module,
    context: Context,
    *,
    axis: str,
    styles: Mapping[str, str],
    divided: Mapping[str, tuple[str, ...]],
    between: tuple[str, ...],
) -> nn.Module:
    """The divided parts by torch's styles; all else is copied, and computes as without an axis.

    So all parameters of a model are of one kind, as optimizers that take them together want it.
    """
    mesh = context.axis(axis)
    here = context.here(model, styles)
    plan = {path: _style(model.get_submodule(path), styles[path]) for path in here}
    parallelize_module(model, mesh, plan)
    for path in context.here(model, divided):
        module = model.get_submodule(path)
        for name in divided[path]:
            setattr(module, name, getattr(module, name) // mesh.size())
    divide_dropouts(model, context, axis=axis, paths=between)
    draw_apart(model, context, axis=axis, pairs=divided, styles=styles)
    layers = {row.path for row in context.layout.plan.layers}
    for path, module in model.named_modules():
        if path in layers:
            _copy(module, list(module.modules()), mesh)
        elif not _is_inside(path, layers):
            _copy(module, [module], mesh)  # a container's own parameters
    tie(model, context.layout.plan)  # which torch has made two, to be gathered twice
    return model


def _is_inside(path: str, layers: set[str]) -> bool:
    names = path.split(".")
    return any(".".join(names[:count]) in layers for count in range(1, len(names)))


def _style(module: nn.Module, style: str) -> ParallelStyle:
    if style == "column":
        return ColwiseParallel()
    if style == "gather":
        return ColwiseParallel(output_layouts=Replicate())
    if isinstance(module, nn.Embedding):  # whose input are numbers
        return RowwiseParallel(input_layouts=Replicate())
    return RowwiseParallel()


def _copy(module: nn.Module, parts: list[nn.Module], mesh: DeviceMesh) -> None:
    """Makes the parameters that are not divided DTensors, which forward does not see."""
    names = []
    for part in parts:
        for name, parameter in part.named_parameters(recurse=False):
            if isinstance(parameter, DTensor):
                continue
            copied = nn.Parameter(
                distribute_tensor(parameter, mesh, [Replicate()]), parameter.requires_grad
            )
            part.register_parameter(name, copied)
            names.append((part, name))
    if names:
        unwrapping = Unwrapping(names)
        module.register_forward_pre_hook(unwrapping.before)
        module.register_forward_hook(unwrapping.after, always_call=True)


class Unwrapping:
    """Hooks by which a module computes with its own copies of parameters, as plain tensors.

    Any code may be in its forward, not only what DTensors can do.
    """

    def __init__(self, names: list[tuple[nn.Module, str]]) -> None:
        self.names = names
        self.kept: list[tuple[nn.Module, str, Any]] = []

    def before(self, module: nn.Module, inputs: object) -> None:
        for part, name in self.names:
            value = part._parameters[name]
            if isinstance(value, DTensor):
                self.kept.append((part, name, value))
                _put(part, name, value.to_local(grad_placements=[Replicate()]))

    def after(self, module: nn.Module, inputs: object, output: object) -> None:
        for part, name, value in self.kept:
            _put(part, name, value)
        self.kept.clear()


def _put(part: nn.Module, name: str, value: Any) -> None:
    part._parameters[name] = value
    if isinstance(part, nn.RNNBase):  # which has a list of them, too
        part._flat_weights[part._flat_weights_names.index(name)] = value
