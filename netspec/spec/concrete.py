"""A spec whose inputs have numbers in place of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netspec.spec.spec import Input, SizeRange, Spec

LARGEST = 10**12


def concrete(spec: Spec, batch: int | None, sizes: Mapping[str, int]) -> Spec:
    """The same spec for inputs of given sizes; those that are not given stay names.

    Args:
        batch: a value for the first size of the first input.

    Raises:
        ValueError: a name is no size of the inputs, or has a value that they do not take.
    """
    values = dict(sizes)
    if batch is not None:
        first = spec.inputs[0].shape[:1]
        if not first or not isinstance(first[0], str):
            raise ValueError(f"the batch is {batch}, but the first size of the input is no name")
        if values.setdefault(first[0], batch) != batch:
            raise ValueError(f"the batch is {batch}, and the size {first[0]} is {values[first[0]]}")
    names = {size for given in spec.inputs for size in given.shape if isinstance(size, str)}
    for name in values:
        if name not in names:
            have = ", ".join(sorted(names)) or "none"
            raise ValueError(f"{name} is no named size of the model's inputs, which have {have}")
    for given in spec.inputs:
        for stated in given.sizes:
            if stated.name in values:
                _require_in_range(stated, values[stated.name])
    for name, value in values.items():
        if not 1 <= value <= LARGEST:
            raise ValueError(f"the size {name} is not a number from 1 to {LARGEST:,}")
    return replace(spec, inputs=tuple([_at(given, values) for given in spec.inputs]))


def _require_in_range(stated: SizeRange, value: int) -> None:
    """
    Raises:
        ValueError: the input does not take it.
    """
    least, most, step = stated.min or 1, stated.max, stated.multiple_of
    if value < least or (most is not None and value > most) or value % step:
        limits = [f"at least {least}"] if least > 1 else []
        limits += [f"at most {most}"] if most is not None else []
        limits += [f"a multiple of {step}"] if step > 1 else []
        raise ValueError(f"the size {stated.name} is {value}, but has to be {', '.join(limits)}")


def _at(given: Input, values: Mapping[str, int]) -> Input:
    shape = [values.get(size, size) if isinstance(size, str) else size for size in given.shape]
    sizes = [stated for stated in given.sizes if stated.name not in values]
    return replace(given, shape=tuple(shape), sizes=tuple(sizes))
