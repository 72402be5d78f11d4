"""The plan's types and costs for given sizes and a given dtype of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from netspec.accounting.kernels import saved_by_accelerator
from netspec.declaration import Refusal, TensorType
from netspec.graph import Application
from netspec.planning import Plan
from netspec.sizes import Size, SizeLimit, evaluate, symbols
from netspec.spec.concrete import LARGEST

ITEMSIZES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


class Saved(NamedTuple):
    """What a layer keeps for backward: inputs and outputs by their names, and further bytes."""

    names: tuple[str, ...]
    nbytes: int


class Sized:
    """Evaluates sizes, each only once; what is float32 in the plan is of ``dtype``."""

    def __init__(self, sizes: Mapping[str, int], dtype: str) -> None:
        self.sizes = sizes
        self.dtype = dtype
        self._types: dict[int, tuple[TensorType, int]] = {}
        self._saved: dict[tuple[int, bool], tuple[Application, Saved]] = {}

    def nbytes(self, type: TensorType) -> int:
        found = self._types.get(id(type))
        if found is None:
            found = self._types[id(type)] = (type, evaluate(self._concrete(type).nbytes, {}))
        return found[1]

    def nbytes_of(self, size: Size) -> int:
        """The bytes of values that are float32 in the plan."""
        return evaluate(size, self.sizes) * ITEMSIZES[self.dtype] // 4

    def saved(self, application: Application, on_cpu: bool) -> Saved:
        """What is kept of a call.

        A layer's rule says it again for inputs of the dtype. Where it takes only float32 (since
        that is what its weights are), its further bytes are taken for floating-point numbers.
        """
        key = id(application), on_cpu
        found = self._saved.get(key)
        if found is None:
            inputs = tuple([self._concrete(given) for given in application.inputs])
            saved = None if on_cpu else saved_by_accelerator(application, inputs)
            if saved is None:
                saved = self._saved_again(application, inputs)
            found = self._saved[key] = (application, Saved(*saved))
        return found[1]

    def _saved_again(
        self, application: Application, inputs: tuple[TensorType, ...]
    ) -> tuple[tuple[str, ...], int]:
        planned = evaluate(application.saved_bytes, self.sizes)
        if self.dtype == "float32":
            return application.saves, planned
        layer = application.type
        first_ones = layer.required_inputs
        further = dict(zip(application.input_names[first_ones:], inputs[first_ones:], strict=True))
        try:
            output = layer.rule(*inputs[:first_ones], **further, **application.written)
        except (Refusal, SizeLimit):
            return application.saves, planned * ITEMSIZES[self.dtype] // 4
        return output.saves, evaluate(output.saved_bytes, {})

    def _concrete(self, type: TensorType) -> TensorType:
        shape = tuple([evaluate(size, self.sizes) for size in type.shape])
        return TensorType(shape, self.dtype if type.dtype == "float32" else type.dtype)


def complete_sizes(plan: Plan, batch: int | None, sizes: Mapping[str, int]) -> dict[str, int]:
    """A value for each named size of the model's inputs.

    Args:
        batch: that of the first size of the first input.

    Raises:
        ValueError: one is missing, has two values or one that the model does not take, or is not a
            size of the inputs.
    """
    names = {
        symbol.name: symbol
        for given in plan.inputs
        for size in given.type.shape
        for symbol in symbols(size)
    }
    values = dict(sizes)
    if batch is not None:
        name = batch_name(plan)
        if name is None:
            raise ValueError(
                f"the batch is {batch}, but the first size of the input {plan.inputs[0].type} "
                "is no name"
            )
        if values.setdefault(name, batch) != batch:
            raise ValueError(f"the batch is {batch}, and the size {name} is {values[name]}")
    for name in values:
        if name not in names:
            have = ", ".join(names) or "none"
            raise ValueError(f"{name} is no named size of the model's inputs, which have {have}")
    for name, symbol in names.items():
        if name not in values:
            raise ValueError(f"the size {name} of the input has no value: give it, as {name}=1")
        value = values[name]
        if not 1 <= value <= LARGEST:
            raise ValueError(f"the size {name} is not a number from 1 to {LARGEST:,}")
        if value % symbol.multiple_of:
            raise ValueError(f"the size {name} is {value}, which the input does not take")
    for condition in plan.conditions:
        if condition.symbol is not None and condition.least is not None:
            if values.get(condition.symbol, condition.least) < condition.least:
                raise ValueError(f"the model needs {condition}, not {values[condition.symbol]}")
    return values


def batch_name(plan: Plan) -> str | None:
    """The name of the first size of the first input, where it is one."""
    first = plan.inputs[0].type.shape[:1]
    found = symbols(first[0]) if first else ()
    return found[0].name if len(found) == 1 and str(first[0]) == found[0].name else None
