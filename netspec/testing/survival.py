"""What a layer's module has to stand: copies, pickling, export; and what its spec has to."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import fields

import torch
from torch import Tensor, nn

from netspec.api import loads
from netspec.declaration import TensorType
from netspec.diagnostics import SpecError, listed
from netspec.registry import Registry
from netspec.spec import Spec
from netspec.testing.broken import LawBroken, class_of, first_line
from netspec.testing.cases import Case
from netspec.testing.laws import is_cheap
from netspec.testing.observation import call, made, zeros


def survives_copies(case: Case, registry: Registry) -> bool:
    """A deepcopy and an unpickled module have the same keys, and give the same.

    Gives whether there was something to compare: the case is planned, and small enough to run.

    Raises:
        LawBroken: they differ, or the module cannot be copied or pickled.
    """
    found = _module(case, registry)
    if found is None:
        return False
    module, inputs = found
    expected = _outputs(case, module, inputs)
    for what, copied in (("copy.deepcopy", copy.deepcopy), ("pickle", _pickled)):
        try:
            other = copied(module)
            given = _outputs(case, other, inputs)
        except Exception as problem:
            raise LawBroken(
                f"{what} fails: {first_line(problem)}",
                case,
                f"{class_of(case.layer)}: what it keeps has to be picklable, so no lambdas, open "
                f"files or locks",
            ) from problem
        ours, theirs = list(module.state_dict()), list(other.state_dict())
        if ours != theirs:
            raise LawBroken(
                f"after {what} the state_dict has {listed(theirs) or 'nothing'}, not "
                f"{listed(ours) or 'nothing'}",
                case,
                f"{class_of(case.layer)}: __deepcopy__, __getstate__, __setstate__ or __reduce__",
            )
        different = _difference(given, expected)
        if different:
            raise LawBroken(
                f"after {what} the module {different}",
                case,
                f"{class_of(case.layer)}: __deepcopy__, __getstate__, __setstate__ or __reduce__",
            )
    return True


def _pickled(module: nn.Module) -> nn.Module:
    copied: nn.Module = pickle.loads(pickle.dumps(module))
    return copied


def survives_export(case: Case, registry: Registry) -> bool:
    """``torch.export`` gives a program that computes the same; whether there was one.

    Raises:
        LawBroken: they differ, or the module cannot be exported.
    """
    found = _module(case, registry)
    if found is None or any(0 in input.shape for input in case.inputs):
        return False
    module, inputs = found
    around = _Called(case, module)
    remedy = (
        f"{class_of(case.layer)}: its forward may not look at the values of tensors, nor leave "
        f"torch; if it has to, say why in `not_exported` of conformance()"
    )
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        try:
            program = torch.export.export(around, tuple(inputs), strict=False).module()
            given = _seeded(lambda: program(*inputs))
        except Exception as problem:
            raise LawBroken(f"torch.export fails: {first_line(problem)}", case, remedy) from problem
        expected = _seeded(lambda: around(*inputs))
    different = _difference(given, expected)
    if different:
        raise LawBroken(f"the exported program {different}", case, remedy)
    return True


def survives_text(case: Case) -> bool:
    """The spec, written as YAML and read back, is the same; whether there was one.

    Raises:
        LawBroken: they differ.
    """
    try:
        spec = case.spec()
    except SpecError:
        return False
    again = loads(spec.to_yaml())
    if not same_specs(again, spec):
        raise LawBroken(
            f"written as YAML and read back it is another spec:\n{again.to_yaml()}",
            case,
            "this is a mistake in netspec's writer, tell its authors",
        )
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """What torch says of an export that fails goes on for pages: its error is enough."""
    before = logging.root.manager.disable
    traces = logging.getLogger("torch.__trace")  # which logging.disable does not reach
    stopped = traces.disabled
    logging.disable(logging.CRITICAL)
    traces.disabled = True
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
        traces.disabled = stopped


class _Called(nn.Module):
    """The layer with its inputs as the flow gives them, and its outputs in a tuple."""

    def __init__(self, case: Case, layer: nn.Module) -> None:
        super().__init__()
        self.declared = case.layer
        self.layer = layer

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return call(self.declared, self.layer, inputs)


def _module(case: Case, registry: Registry) -> tuple[nn.Module, list[Tensor]] | None:
    """The layer's module on the cpu, in eval mode, and its inputs."""
    planned = case.plan(registry)
    if isinstance(planned, SpecError) or not is_cheap(case):
        return None
    row = planned.layers[0]
    inputs = [_values(input) for input in case.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = made(case.layer, row.application.written, "cpu").eval()
            _outputs(case, module, inputs)
        except Exception:  # the law of the plan says so
            return None
    return module, inputs


def _values(type: TensorType) -> Tensor:
    """Any numbers from 0 to 1; zeros where they are whole, as they may count or index something."""
    given = zeros(type, "cpu")
    return torch.rand(given.shape).to(given.dtype) if type.is_floating else given


def _outputs(case: Case, module: nn.Module, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return _seeded(lambda: call(case.layer, module, [input.clone() for input in inputs]))


def _seeded(run: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The outputs under one seed, as some layers are random in evaluation too."""
    torch.default_generator.manual_seed(0)
    return run()


def _difference(given: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> str:
    """What is not the same; an empty text where all is."""
    if len(given) != len(expected):
        return f"gives {len(given)} tensors, not {len(expected)}"
    for one, other in zip(given, expected, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"gives {list(one.shape)} {one.dtype}, not {list(other.shape)} {other.dtype}"
        close = one.is_floating_point() and torch.allclose(one, other, equal_nan=True)
        if not close and not torch.equal(one, other):
            return "gives other values"
    return ""


def same_specs(one: Spec, other: Spec) -> bool:
    """Whether specs are equal to the letter: nan, which is not equal to itself, is the same."""
    return all(
        repr(getattr(one, field.name)) == repr(getattr(other, field.name))
        for field in fields(one)
        if field.compare
    )
