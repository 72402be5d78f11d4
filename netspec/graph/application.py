"""A layer type applied to inputs: the leaves of a graph, without a path of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from netspec.declaration import LayerType, TensorType, Work
from netspec.sizes import Size
from netspec.spec import Value

#: What a layer's shapes are known from: its rule, a proof, runs without memory, or the spec.
Trust = Literal["rule", "proven", "probed", "stated"]


class Condition(NamedTuple):
    """Something that the sizes must fulfil for the model to work (``H >= 63``)."""

    text: str
    symbol: str | None = None
    least: int | None = None

    def __str__(self) -> str:
        return self.text


class Parameter(NamedTuple):
    """A parameter or buffer of a layer, named as in ``state_dict``."""

    name: str
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        """The number of values, as ``Tensor.numel`` says it."""
        return math.prod(self.shape)


class Initialiser(NamedTuple):
    """A function that fills a parameter in place, by its dotted path, with its arguments.

    ``brought_by`` is the package of one that is not torch's.
    """

    name: str
    target: str
    arguments: tuple[tuple[str, Value], ...] = ()
    brought_by: str = ""


#: How the parameters of a layer begin, by their names in the layer.
Init = tuple[tuple[str, Initialiser], ...]


@dataclass(frozen=True, slots=True)
class Application:
    """A layer type with its arguments, applied to inputs. Equal layers of a plan share one.

    ``arguments`` are all of them with torch's names; ``written`` those to pass to the class (the
    written and the inferred ones). ``input_names`` say which of the type's inputs there are.
    ``macs`` are the multiply-adds of one call. ``saves`` and ``saved_bytes`` are what is kept for
    the backward pass, as the Output of the rule says it. ``trust`` says where the shapes are from,
    ``source`` is the package and version that the layer is from. ``conditions`` are what has to
    be true of the named sizes, ``warnings`` what its rule warns of. ``scratch`` and ``work`` are
    those of the Output. ``name`` is that by which every registry finds the type.
    """

    type: LayerType
    arguments: Mapping[str, Value]
    written: Mapping[str, Value]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    output_names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    buffers: tuple[Parameter, ...]
    macs: Size
    saves: tuple[str, ...] = ()
    saved_bytes: Size = 0
    is_view: bool = False
    input_names: tuple[str, ...] = ()
    source: str = ""
    trust: Trust = "rule"
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[str, ...] = ()
    scratch: tuple[Size, Size] | None = None
    work: tuple[Work, ...] = ()
    is_counted: bool = True
    name: str = ""

    def __hash__(self) -> int:  # of what tells most of them apart: arguments are a dict
        return hash((self.type.target, self.inputs, self.outputs, self.parameters))

    @property
    def overwrites_input(self) -> bool:
        """Whether it changes the memory of its first input: then it has an argument ``inplace``.

        Its output is in the same memory; of some of torch's classes ``inplace`` has no effect.
        """
        in_place = self.arguments.get("inplace") is True
        return in_place and (self.is_view or self.trust != "rule")

    @property
    def keywords(self) -> tuple[str, ...]:
        """The names of the last inputs, those that the module gets by keyword."""
        return tuple([name for name in self.input_names if name in self.type.keyword_inputs])

    @property
    def has_parameters(self) -> bool:
        return bool(self.parameters)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel for parameter in self.parameters)

    @property
    def buffer_count(self) -> int:
        return sum(buffer.numel for buffer in self.buffers)
