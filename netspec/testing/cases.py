"""A layer with arguments and an input: what the laws of layers are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from netspec.api import check, from_dict, plan
from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import SpecError
from netspec.planning import Plan
from netspec.registry import Registry
from netspec.spec import SizeRange, Spec
from netspec.testing.companions import further_inputs
from netspec.testing.fitting import ARGUMENTS, Fitting
from netspec.testing.strategies import (
    BARE,
    Arguments,
    arguments,
    input_types,
    likely_input_types,
    spoiled,
)

NAMES = ("N", "C", "D", "H", "W")


@dataclass(frozen=True)
class Case:
    """A layer, what is written as its arguments, and what reaches it."""

    layer: LayerType
    arguments: Arguments
    inputs: tuple[TensorType, ...]
    sizes: tuple[SizeRange, ...] = ()

    @property
    def input(self) -> TensorType:
        """The first input."""
        return self.inputs[0]

    def spec(self) -> Spec:
        """The spec of a model of this one layer."""
        written: object = dict(self.arguments) or None
        if BARE in self.arguments:
            written = self.arguments[BARE]
        stated: dict[str, object] = {}
        for size in self.sizes:
            known = {"min": size.min, "max": size.max, "multiple_of": size.multiple_of}
            stated[size.name] = {key: value for key, value in known.items() if value is not None}
        inputs: list[dict[str, object]] = []
        for type in self.inputs:
            shape = [size if isinstance(size, int) else str(size) for size in type.shape]
            of_it = {name: known for name, known in stated.items() if name in shape}
            inputs.append({"shape": shape, "dtype": type.dtype, **of_it})
        root: dict[str, object] = {"netspec": 1, "input": inputs[0]}
        item: dict[str, object] = {self.layer.name: written}
        if len(inputs) > 1:
            names = [f"given{number}" for number in range(len(inputs))]
            root = {"netspec": 1, "inputs": dict(zip(names, inputs, strict=True))}
            item["from"] = names
        return from_dict({**root, "layers": [item]})

    def plan(self, registry: Registry) -> Plan | SpecError:
        """What netspec says of it, by the public way."""
        try:
            return plan(self.spec(), registry=registry)
        except SpecError as refused:
            return refused

    def fits(self, registry: Registry) -> bool:
        """Whether netspec accepts it, without the text of a refusal."""
        try:
            found = check(self.spec(), registry=registry)
        except SpecError:
            return False
        return all(diagnostic.severity != "error" for diagnostic in found)

    def __str__(self) -> str:
        try:
            return self.spec().to_yaml()
        except SpecError:
            return repr(self)


#: The arguments and the inputs, each a TensorType or the shape of a float32 one; or a Case.
Drawn = Case | tuple[Any, ...]


def case_of(layer: LayerType, drawn: Drawn) -> Case:
    """``({"kernel_size": 2}, (1, 3, 8, 8))`` as a Case of the layer."""
    if isinstance(drawn, Case):
        return drawn
    written, *inputs = drawn
    types = [one if isinstance(one, TensorType) else TensorType(tuple(one)) for one in inputs]
    return Case(layer, written, tuple(types))


@st.composite
def cases(
    draw: st.DrawFn,
    layer: LayerType,
    registry: Registry,
    *,
    legal: bool | None = None,
    attempts: int = 12,
    fitting: Fitting | None = None,
    own: st.SearchStrategy[Drawn] | None = None,
) -> Case:
    """Cases of one layer; most of the time the first of some that netspec accepts.

    Args:
        fitting: draws arguments that fit an input, where those drawn one by one seldom do.
        own: draws cases, of which four of five are then.
    """
    if own is not None and draw(st.integers(0, 4)) < 4:
        return case_of(layer, draw(own))
    fitting = fitting or ARGUMENTS.get(layer.name)
    if not draw(st.integers(0, 3)):
        return draw(_candidates(layer, False, legal, None))
    for _ in range(attempts):
        likely = legal is not False
        drawn = draw(_candidates(layer, likely, legal, fitting if likely else None))
        if drawn.fits(registry):
            break
    return drawn


@st.composite
def _candidates(
    draw: st.DrawFn, layer: LayerType, likely: bool, legal: bool | None, fitting: Fitting | None
) -> Case:
    max_size = draw(st.sampled_from([12, 4]))
    types = likely_input_types(layer, max_size) if likely else input_types(max_size=max_size)
    input = draw(types)
    if fitting is not None and draw(st.integers(0, 2)):
        written = draw(fitting(input))
    else:
        written = draw(arguments(layer, input=input, legal=True if likely else legal))
    further = draw(further_inputs(layer, input, written))
    return Case(layer, written, (input, *further))


@st.composite
def spoiled_cases(
    draw: st.DrawFn,
    layer: LayerType,
    registry: Registry,
    *,
    fitting: Fitting | None = None,
    own: st.SearchStrategy[Drawn] | None = None,
) -> Case:
    """Cases that would mostly fit but for one argument that is wrong, missing or unknown."""
    case = draw(cases(layer, registry, legal=True, fitting=fitting, own=own))
    return replace(case, arguments=draw(spoiled(layer, case.arguments)))


@dataclass(frozen=True)
class Opened:
    """A case with names for some of its sizes, and numbers for the names."""

    symbolic: Case
    numbers: tuple[Mapping[str, int], ...]

    def concrete(self, values: Mapping[str, int]) -> Case:
        """The case with the numbers put in."""
        inputs = tuple(
            [
                input._replace(shape=tuple(values.get(str(size), size) for size in input.shape))
                for input in self.symbolic.inputs
            ]
        )
        return replace(self.symbolic, inputs=inputs, sizes=())

    def least(self, name: str) -> int:
        """A number that the conditions of ``input`` allow."""
        for size in self.symbolic.sizes:
            if size.name == name:
                return -(-(size.min or 0) // size.multiple_of) * size.multiple_of
        return 0


@st.composite
def opened(draw: st.DrawFn, case: Case) -> Opened:
    """Names instead of all or some of the sizes, sometimes with conditions that they fulfil.

    In further inputs a size of the first has its name too, most of the time: that is how sizes
    come to be equal.
    """
    everything = draw(st.booleans())
    own: dict[str, int] = {}
    sizes: list[SizeRange] = []
    strategies: dict[str, st.SearchStrategy[int]] = {}
    opened: list[TensorType] = []
    for number, input in enumerate(case.inputs):
        shape: list[object] = []
        for place, size in enumerate(input.shape):
            assert isinstance(size, int)
            name = NAMES[place % len(NAMES)] + ("" if place < len(NAMES) else "x")
            if number:
                shared = [known for known, value in own.items() if value == size]
                name = draw(st.sampled_from(shared)) if shared else f"{name}{number}"
            if not everything and draw(st.booleans()):
                shape.append(size)
                continue
            shape.append(name)
            if name in own:
                continue
            own[name] = size
            stated = draw(_conditions(name, size))
            if stated != SizeRange(name):
                sizes.append(stated)
            step = stated.multiple_of
            first = -(-(stated.min or 0) // step)
            last = first + 15 if stated.max is None else stated.max // step
            near = [n * step for n in range(first, min(last, first + 15) + 1)]
            strategies[name] = st.just(size) | st.sampled_from(near)
        opened.append(input._replace(shape=tuple(shape)))  # type: ignore[arg-type]
    more = draw(st.lists(st.fixed_dictionaries(strategies), min_size=1, max_size=4))
    symbolic = replace(case, inputs=tuple(opened), sizes=tuple(sizes))
    return Opened(symbolic, (own, *more))


@st.composite
def _conditions(draw: st.DrawFn, name: str, size: int) -> SizeRange:
    if draw(st.booleans()):
        return SizeRange(name)
    divisors = [d for d in (2, 3, 4, 6) if size % d == 0]
    return SizeRange(
        name,
        min=draw(st.none() | st.integers(0, size)),
        max=draw(st.none() | st.none() | st.integers(size, size + 20)),
        multiple_of=draw(st.sampled_from([1, *divisors])),
    )
