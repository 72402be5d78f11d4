"""The container of a scope whose wiring is more than its children in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from netspec.expansion import Call, Step


class FlowStep(NamedTuple):
    """One step; ``child`` is None for a merge. ``drop`` are the values that nobody reads later."""

    child: str | None
    kind: str
    inputs: tuple[int, ...]
    output: int
    drop: tuple[int, ...]
    dim: int = 0
    device: torch.device | None = None


class Flow(nn.Module):
    """Children with the steps between them; the values of the steps are numbered.

    It has the children's names only, so that ``state_dict`` keys are those of hand-written code,
    and the names of its own attributes begin with an underscore.
    """

    def __init__(
        self, children: Iterable[tuple[str, nn.Module]], steps: Iterable[Step], result: int
    ) -> None:
        super().__init__()
        for name, child in children:
            self.add_module(name, child)
        self._steps = _with_lifetimes(list(self._modules), tuple(steps), result)
        self._result = result

    def forward(self, *inputs: Tensor) -> Tensor:
        values = dict(enumerate(inputs))
        del inputs  # the dict lets go of each value when it was read last
        modules = self._modules
        for child, kind, numbers, output, drop, dim, device in self._steps:
            given = [values[number] for number in numbers]
            for number in drop:
                del values[number]
            if child is not None:
                values[output] = modules[child](*given)  # type: ignore[misc]
            else:
                if device is not None:
                    given = [value.to(device) for value in given]
                values[output] = given[0] + given[1] if kind == "add" else torch.cat(given, dim)
            del given
        return values[self._result]


def _with_lifetimes(names: list[str], steps: tuple[Step, ...], result: int) -> tuple[FlowStep, ...]:
    """The steps with the values that each of them reads last."""
    kept = {result}
    backwards: list[FlowStep] = []
    for step in reversed(steps):
        drop = tuple(number for number in dict.fromkeys(step.inputs) if number not in kept)
        kept.update(step.inputs)
        if isinstance(step, Call):
            made = FlowStep(names[step.child], "call", step.inputs, step.outputs[0], drop)
        else:
            dim = 0 if step.dim is None else step.dim
            made = FlowStep(None, step.kind, step.inputs, step.outputs[0], drop, dim)
        backwards.append(made)
    return tuple(reversed(backwards))
