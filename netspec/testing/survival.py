"""What a layer's module has to stand: copies, pickling, export; and what its spec has to."""

from __future__ import annotations

import copy
import pickle
import warnings

import torch
from torch import Tensor, nn

from netspec.api import loads
from netspec.diagnostics import SpecError
from netspec.registry import Registry
from netspec.testing.cases import Case
from netspec.testing.laws import is_cheap
from netspec.testing.observation import call, made, zeros


def survives_copies(case: Case, registry: Registry) -> bool:
    """A deepcopy and an unpickled module have the same keys, and give the same.

    Gives whether there was something to compare: the case is planned, and small enough to run.

    Raises:
        AssertionError: they differ.
        Exception: the module cannot be copied or pickled.
    """
    found = _module(case, registry)
    if found is None:
        return False
    module, inputs = found
    expected = _outputs(case, module, inputs)
    for what, other in (
        ("the deepcopy", copy.deepcopy(module)),
        ("the unpickled module", pickle.loads(pickle.dumps(module))),
    ):
        assert list(other.state_dict()) == list(module.state_dict()), (
            f"{what} has other keys:\n{case}"
        )
        _equal(f"{what} of\n{case}", _outputs(case, other, inputs), expected)
    return True


def survives_export(case: Case, registry: Registry) -> bool:
    """``torch.export`` gives a program that computes the same; whether there was one.

    Raises:
        AssertionError: they differ.
        Exception: the module cannot be exported.
    """
    found = _module(case, registry)
    if found is None or any(0 in input.shape for input in case.inputs):
        return False
    module, inputs = found
    around = _Called(case, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(around, tuple(inputs), strict=False).module()
        torch.manual_seed(0)
        given = program(*inputs)
        torch.manual_seed(0)
        expected = around(*inputs)
    _equal(f"the exported program of\n{case}", given, expected)
    return True


def survives_text(case: Case) -> bool:
    """The spec, written as YAML and read back, is the same; whether there was one.

    Raises:
        AssertionError: they differ.
    """
    try:
        spec = case.spec()
    except SpecError:
        return False
    again = loads(spec.to_yaml())
    # By the letter too: nan is not equal to itself.
    assert again == spec or repr(again) == repr(spec), f"read back as\n{again.to_yaml()}\n{case}"
    return True


class _Called(nn.Module):
    """The layer with its inputs as the flow gives them, and its outputs in a tuple."""

    def __init__(self, case: Case, layer: nn.Module) -> None:
        super().__init__()
        self.declared = case.layer
        self.layer = layer

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return call(self.declared, self.layer, inputs)


def _module(case: Case, registry: Registry) -> tuple[nn.Module, list[Tensor]] | None:
    """The layer's module on the cpu, in eval mode, and zeros for its inputs."""
    planned = case.plan(registry)
    if isinstance(planned, SpecError) or not is_cheap(case):
        return None
    row = planned.layers[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = made(case.layer, row.application.written, "cpu").eval()
    return module, [zeros(input, "cpu") for input in case.inputs]


def _outputs(case: Case, module: nn.Module, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)  # some are random in evaluation too
        return call(case.layer, module, [input.clone() for input in inputs])


def _equal(what: str, given: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    assert len(given) == len(expected), f"{what} gives {len(given)} tensors, not {len(expected)}"
    for one, other in zip(given, expected, strict=True):
        close = one.is_floating_point() and torch.allclose(one, other, equal_nan=True)
        assert close or torch.equal(one, other), f"{what} gives other values"
