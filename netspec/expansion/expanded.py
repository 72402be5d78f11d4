"""What a Spec comes to: a tree of modules-to-be. Every child is there with its final name.

What comes ten thousand times is a named tuple: a frozen dataclass takes three times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from netspec.spec import Layer, Origin


class Leaf(NamedTuple):
    """A child that is one layer. ``path`` is the prefix of its state_dict keys."""

    name: str
    path: str
    layer: Layer
    device: str | None
    origin: Origin


class Call(NamedTuple):
    """The child at index ``child`` is called with values; what it gives is ``outputs``."""

    child: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Merge(NamedTuple):
    """Several values become one: their sum, or their concatenation along ``dim``."""

    kind: Literal["add", "concat"]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dim: int | None
    origin: Origin


Step = Call | Merge


@dataclass(frozen=True, slots=True)
class Scope:
    """A child that holds children.

    ``steps`` is None where the children are called in their order, each with the output of the
    one before: that is a plain ``nn.Sequential``. Otherwise the values of the wiring are numbers:
    the scope's inputs come first, then the outputs of each step; ``results`` are what it gives.
    """

    name: str
    path: str
    children: tuple[Child, ...]
    steps: tuple[Step, ...] | None
    results: tuple[int, ...]
    device: str | None
    origin: Origin


Child = Leaf | Scope
