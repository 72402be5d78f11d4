"""The Plan: a model with every shape, parameter and cost known, as frozen values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import Diagnostic
from netspec.expansion import Merge, Step
from netspec.sizes import Size
from netspec.spec import Origin, Value


class Parameter(NamedTuple):
    """A parameter or buffer of a layer, named as in ``state_dict``."""

    name: str
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        """The number of values, as ``Tensor.numel`` says it."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """A layer type with its arguments, applied to inputs. Equal layers of a plan share one.

    ``arguments`` are all of them with torch's names; ``written`` those to pass to the class (the
    written and the inferred ones). ``macs`` are the multiply-adds of one call.
    """

    type: LayerType
    arguments: Mapping[str, Value]
    written: Mapping[str, Value]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    parameters: tuple[Parameter, ...]
    buffers: tuple[Parameter, ...]
    macs: Size

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """One layer of the model: a row of the plan. ``path`` is the prefix of its state_dict keys."""

    path: str
    name: str
    application: Application = field(repr=False)
    device: str | None
    origin: Origin = field(repr=False, compare=False)

    @property
    def type(self) -> str:
        """The layer's name in the registry (``conv2d``)."""
        return self.application.type.name

    @property
    def arguments(self) -> Mapping[str, Value]:
        """All arguments; inferred ones and defaults are filled in."""
        return self.application.arguments

    @property
    def inputs(self) -> tuple[TensorType, ...]:
        return self.application.inputs

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.application.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.application.outputs[0].shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.application.parameters

    @property
    def buffers(self) -> tuple[Parameter, ...]:
        return self.application.buffers

    @property
    def params(self) -> int:
        """The number of values in the layer's parameters."""
        return self.application.parameter_count

    @property
    def macs(self) -> Size:
        """Multiply-adds of one forward pass."""
        return self.application.macs


@dataclass(frozen=True, slots=True)
class PlannedMerge:
    """A sum or a concatenation inside a scope; it has no parameters and no module."""

    step: Merge = field(repr=False, compare=False)
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]


@dataclass(frozen=True, slots=True)
class PlannedScope:
    """A container. ``steps`` is None for a plain ``nn.Sequential``, as in the expanded Scope."""

    path: str
    name: str
    children: tuple[PlannedChild, ...] = field(repr=False)
    steps: tuple[Step, ...] | None = field(repr=False)
    merges: tuple[PlannedMerge, ...] = field(repr=False)
    results: tuple[int, ...]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    device: str | None
    origin: Origin = field(repr=False, compare=False)


PlannedChild = PlannedLayer | PlannedScope


class PlannedInput(NamedTuple):
    """An input of the model."""

    name: str
    type: TensorType


class Condition(NamedTuple):
    """Something that the sizes must fulfil for the model to work (``H >= 63``)."""

    text: str
    symbol: str | None = None
    least: int | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked model. Sizes are ints, or exact expressions of the input's named sizes."""

    name: str | None
    inputs: tuple[PlannedInput, ...]
    root: PlannedScope
    layers: tuple[PlannedLayer, ...] = field(repr=False)
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.root.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.root.outputs[0].shape

    @property
    def total_params(self) -> int:
        """The number of values in all parameters."""
        return sum(layer.params for layer in self.layers)

    @property
    def total_macs(self) -> Size:
        """Multiply-adds of one forward pass; twice this are the FLOPs of torch's flop_counter."""
        # Equal layers are added once: a thousand additions of expressions would take a while.
        times = Counter(id(layer.application) for layer in self.layers)
        total: Size = 0
        for layer in {id(layer.application): layer for layer in self.layers}.values():
            if layer.macs != 0:
                total = total + layer.macs * times[id(layer.application)]
        return total

    def scopes(self) -> Iterator[PlannedScope]:
        """All containers, the root first, in the order of ``nn.Module.modules()``."""
        waiting: list[PlannedChild] = [self.root]
        while waiting:
            child = waiting.pop()
            if isinstance(child, PlannedScope):
                yield child
                waiting.extend(reversed(child.children))
