"""A layer with arguments and an input: what the laws of layers are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from netspec.api import check, from_dict, plan
from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import SpecError
from netspec.planning import Plan
from netspec.registry import Registry
from netspec.spec import SizeRange, Spec
from netspec.testing.strategies import BARE, Arguments, arguments, input_types, spoiled

NAMES = ("N", "C", "D", "H", "W")


@dataclass(frozen=True)
class Case:
    """A layer, what is written as its arguments, and what reaches it."""

    layer: LayerType
    arguments: Arguments
    input: TensorType
    sizes: tuple[SizeRange, ...] = ()

    def spec(self) -> Spec:
        """The spec of a model of this one layer."""
        written: object = dict(self.arguments) or None
        if BARE in self.arguments:
            written = self.arguments[BARE]
        stated: dict[str, object] = {}
        for size in self.sizes:
            known = {"min": size.min, "max": size.max, "multiple_of": size.multiple_of}
            stated[size.name] = {key: value for key, value in known.items() if value is not None}
        shape = [size if isinstance(size, int) else str(size) for size in self.input.shape]
        return from_dict(
            {
                "netspec": 1,
                "input": {"shape": shape, "dtype": self.input.dtype, **stated},
                "layers": [{self.layer.name: written}],
            }
        )

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


def cases(
    layer: LayerType, registry: Registry, *, legal: bool | None = None, attempts: int = 18
) -> st.SearchStrategy[Case]:
    """Cases of one layer; most of the time the first of some that netspec accepts."""

    @st.composite
    def candidate(draw: st.DrawFn, likely: bool) -> Case:
        input = draw(input_types(max_size=draw(st.sampled_from([12, 4]))))
        if likely:
            input = input._replace(dtype=draw(st.sampled_from(["float32", "float32", "int64"])))
        written = draw(arguments(layer, input=input, legal=True if likely else legal))
        return Case(layer, written, input)

    @st.composite
    def case(draw: st.DrawFn) -> Case:
        drawn = draw(candidate(False))
        if draw(st.integers(0, 3)):
            for _ in range(attempts):
                if drawn.fits(registry):
                    break
                drawn = draw(candidate(legal is not False))
        return drawn

    return case()


@st.composite
def spoiled_cases(draw: st.DrawFn, layer: LayerType, registry: Registry) -> Case:
    """Cases that would mostly fit but for one argument that is wrong, missing or unknown."""
    case = draw(cases(layer, registry, legal=True))
    return replace(case, arguments=draw(spoiled(layer, case.arguments)))


@dataclass(frozen=True)
class Opened:
    """A case with names for some of its sizes, and numbers for the names."""

    symbolic: Case
    numbers: tuple[Mapping[str, int], ...]

    def concrete(self, values: Mapping[str, int]) -> Case:
        """The case with the numbers put in."""
        shape = tuple(values.get(str(size), size) for size in self.symbolic.input.shape)
        return replace(self.symbolic, input=self.symbolic.input._replace(shape=shape), sizes=())

    def least(self, name: str) -> int:
        """A number that the conditions of ``input`` allow."""
        for size in self.symbolic.sizes:
            if size.name == name:
                return -(-(size.min or 0) // size.multiple_of) * size.multiple_of
        return 0


@st.composite
def opened(draw: st.DrawFn, case: Case) -> Opened:
    """Names instead of all or some of the sizes, sometimes with conditions that they fulfil."""
    everything = draw(st.booleans())
    shape: list[object] = []
    sizes: list[SizeRange] = []
    strategies: dict[str, st.SearchStrategy[int]] = {}
    for name, size in zip(NAMES, case.input.shape, strict=False):
        assert isinstance(size, int)
        if not everything and draw(st.booleans()):
            shape.append(size)
            continue
        shape.append(name)
        stated = draw(_conditions(name, size))
        if stated != SizeRange(name):
            sizes.append(stated)
        step = stated.multiple_of
        first = -(-(stated.min or 0) // step)
        last = first + 15 if stated.max is None else stated.max // step
        near = [n * step for n in range(first, min(last, first + 15) + 1)]
        strategies[name] = st.just(size) | st.sampled_from(near)
    more = draw(st.lists(st.fixed_dictionaries(strategies), min_size=1, max_size=4))
    own = {n: s for n, s in zip(NAMES, case.input.shape, strict=False) if n in strategies}
    symbolic = replace(
        case,
        input=case.input._replace(shape=tuple(shape)),  # type: ignore[arg-type]
        sizes=tuple(sizes),
    )
    return Opened(symbolic, (own, *more))  # type: ignore[arg-type]


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
