"""Formulas for what a module gives, fitted through runs and held against others.

One variable at a time goes through consecutive sizes, from the smallest that it may have, so that
batch 1 is among them; then all of them change together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import gcd
from typing import Literal, NamedTuple

from netspec.declaration import TensorType
from netspec.probing.question import Point, Question, Variable
from netspec.probing.refusals import NotProbed, RefusedByTorch
from netspec.probing.run import Run, Runner, Shapes, Trained
from netspec.probing.sequences import formula
from netspec.sizes import Expression, Size, SizeLimit, evaluate, substitute, symbol

COUNTS = (10, 40, 160)  # consecutive sizes, as many as it takes
MOST_TOGETHER = 4  # variables in one size
_BASES = (32, 64, 48, 224, 24, 16, 8, 7, 12, 10, 5, 4, 3, 2, 1)


class ProbedNeed(NamedTuple):
    """What has to be true of a variable; ``message`` is what torch says where it is not."""

    kind: Literal["at_least", "multiple_of"]
    variable: int
    number: int
    message: str


class Probed(NamedTuple):
    """What a module gives, over the variables.

    ``macs`` and ``saved_bytes`` are None where they fit no formula or are not known. ``saves`` are
    places of inputs, and of outputs after them.
    """

    outputs: tuple[TensorType, ...]
    parameters: Shapes
    buffers: Shapes
    macs: Size | None
    needs: tuple[ProbedNeed, ...] = ()
    saves: tuple[int, ...] = ()
    saved_bytes: Size | None = 0
    is_view: bool = False


class Axis(NamedTuple):
    """What is known of one variable: sizes that it may have, and a formula for each number."""

    legal: tuple[int, ...]
    needs: tuple[ProbedNeed, ...]
    formulas: tuple[Size | None, ...]


def probe(runner: Runner) -> Probed:
    """
    Raises:
        NotProbed: no formula is found, or one that is does not hold; with the numbers.
    """
    asked = runner.asked
    base, run = _base(runner)
    axes = [_axis(runner, base, run, place) for place in range(len(asked.variables))]
    together = tuple(_together(axes))
    checked = [(point, _same_form(runner, point, base, run)) for point in together]
    numbers: list[Size | None] = [
        _number(runner, axes, base, place, checked) for place in range(len(run.numbers))
    ]
    trained = _in_training(runner, base, together)
    saved_bytes, macs = numbers.pop(), numbers.pop()
    if run.macs < 0:
        macs = None
    sizes = iter(numbers)
    outputs = []
    for number, output in enumerate(run.outputs):
        shape: list[Size] = []
        for dim in range(output.rank):
            size = next(sizes)
            if size is None:
                raise NotProbed(_no_formula(runner, axes, base, number, dim))
            shape.append(size)
        outputs.append(TensorType(tuple(shape), output.dtype))
    needs = tuple(need for axis in axes for need in axis.needs)
    always = {(one.saves, one.is_view) for one in trained}
    if len(always) > 1:
        saved_bytes = None  # what is kept depends on the sizes
    saves, is_view = min(always)
    return Probed(tuple(outputs), *runner.state(), macs, needs, saves, saved_bytes, is_view)


# ---- one variable


def _base(runner: Runner) -> tuple[Point, Run]:
    """A first point that torch takes, with its run.

    Raises:
        NotProbed: there is none.
    """
    refused = ""
    for point in first_points(runner.asked.variables):
        run = runner.at(point)
        if isinstance(run, Run):
            return point, run
        refused = refused or f"torch refuses {_inputs(runner.asked, point)}: {run}"
    raise RefusedByTorch(refused)


def first_points(variables: Sequence[Variable]) -> Iterator[Point]:
    """Small batches; the other sizes are different ones first, then the same."""
    seen = set()
    for spread, batch in ((1, 2), (0, 2), (0, 8), (0, 1)):
        for size in _BASES:
            point = []
            for place, variable in enumerate(variables):
                value = batch if variable.is_batch else size * (1 + spread * (place // 2 % 2))
                value = max(value, variable.least)
                point.append(value if variable.most is None else min(value, variable.most))
            if tuple(point) not in seen:
                seen.add(tuple(point))
                yield tuple(point)


def _axis(runner: Runner, base: Point, run: Run, place: int) -> Axis:
    """
    Raises:
        NotProbed: some size has no formula, or torch takes some sizes only.
    """
    variable = runner.asked.variables[place]
    problem = ""
    for count in COUNTS:
        values = [v for v in range(variable.least, variable.least + count) if variable.allows(v)]
        found, refusals = _line(runner, base, run, place, values)
        if not found:
            problem = f"torch refuses {variable.size} from {values[0]} to {values[-1]}"
            continue
        step, needs = _needs(place, found, refusals)
        if not needs and refusals:
            problem = _gaps(runner, base, place, refusals)
            continue
        fits = [
            formula({value // step: line[number] for value, line in found.items()}, "t")
            for number in range(len(run.numbers))
        ]
        at = symbol(variable.name)
        quotient = at // step if isinstance(at, Expression) else at
        formulas = tuple(None if fit is None else substitute(fit, {"t": quotient}) for fit in fits)
        problem = _misfit(runner, base, run, place, formulas, step, values[-1])
        if not problem:
            return Axis(tuple(sorted(found)), needs, formulas)
    raise NotProbed(problem)


def _line(
    runner: Runner, base: Point, run: Run, place: int, values: Sequence[int]
) -> tuple[dict[int, tuple[int, ...]], dict[int, str]]:
    """What one variable's sizes give, and what torch says of those that it refuses."""
    found: dict[int, tuple[int, ...]] = {}
    refusals: dict[int, str] = {}
    for value in values:
        point = _moved(base, place, value)
        answer = runner.at(point)
        if isinstance(answer, str):
            refusals[value] = answer
        else:
            found[value] = _same_form(runner, point, base, run).numbers
    return found, refusals


def _needs(
    place: int, found: dict[int, tuple[int, ...]], refusals: dict[int, str]
) -> tuple[int, tuple[ProbedNeed, ...]]:
    """What torch needs of a variable, and the steps in which it goes; no needs where it is odd."""
    first = min(found)
    if not refusals:
        return 1, ()
    if max(refusals) < first:
        return 1, (ProbedNeed("at_least", place, first, refusals[max(refusals)]),)
    step = gcd(*found)
    multiples = [v for v in (*found, *refusals) if v % step == 0 and v >= first]
    if step == 1 or len(multiples) < 3 or any(v not in found for v in multiples):
        return 1, ()
    other = next((v for v in refusals if v > first), max(refusals))
    needs = [ProbedNeed("multiple_of", place, step, refusals[other])]
    if first > step:
        needs.append(ProbedNeed("at_least", place, first, refusals[min(refusals)]))
    return step, tuple(needs)


def _gaps(runner: Runner, base: Point, place: int, refusals: dict[int, str]) -> str:
    value, message = next(iter(refusals.items()))
    variable = runner.asked.variables[place]
    if list(refusals) == list(range(value, max(refusals) + 1)) and value > variable.least:
        return (
            f"with {runner.asked.told(_moved(base, place, value))} torch says {message}; state "
            f"it in `input`: `{variable.size}: {{max: {value - 1}}}`"
        )
    return (
        f"torch refuses some sizes without a rule that was found: "
        f"with {runner.asked.told(_moved(base, place, value))} it says {message}"
    )


def _misfit(
    runner: Runner,
    base: Point,
    run: Run,
    place: int,
    formulas: Sequence[Size | None],
    step: int,
    last: int,
) -> str:
    """Where the formulas do not hold, beyond the sizes that they were fitted to; or nothing."""
    variable = runner.asked.variables[place]
    if any(fit is None for fit in formulas[:-2]):
        number = next(number for number, fit in enumerate(formulas) if fit is None)
        start = max(variable.least, last - 5 * step)
        return _told(runner, base, place, number, range(start - start % step, last + 1, step))
    for value in (2 * last + 1, 2 * last + 4, 3 * last + 8):
        value -= value % step
        if not variable.allows(value):
            continue
        point = _moved(base, place, value)
        answer = runner.at(point)
        if isinstance(answer, str):
            return (
                f"with {runner.asked.told(point)} torch says {answer}; where sizes have a limit, "
                f"state it in `input`: `{variable.size}: {{max: {last}}}`"
            )
        numbers = _same_form(runner, point, base, run).numbers
        expected = [0 if fit is None else evaluate(fit, {variable.name: value}) for fit in formulas]
        for number in range(len(numbers) - 2):
            if numbers[number] != expected[number]:
                return (
                    f"a formula that holds up to {variable.size} = {last} gives "
                    f"{expected[number]} for {value}, where torch gives {numbers[number]}"
                )
    return ""


# ---- all variables


def _together(axes: Sequence[Axis]) -> Iterator[Point]:
    """Points at which all variables change, first those with the smallest sizes."""
    if not axes:
        return
    yield tuple(axis.legal[0] for axis in axes)
    for turn in (1, 2, 3, 5):
        yield tuple(
            axis.legal[(turn * 3 + place * 5) % len(axis.legal)] for place, axis in enumerate(axes)
        )
    for place in range(len(axes)):  # and each of them alone at its smallest
        yield tuple(
            axis.legal[0 if other == place else -1 - other % len(axis.legal)]
            for other, axis in enumerate(axes)
        )


def _number(
    runner: Runner,
    axes: Sequence[Axis],
    base: Point,
    place: int,
    checked: Sequence[tuple[Point, Run]],
) -> Size | None:
    """The formula of one number over all variables; None where there is none that holds."""
    fits = [axis.formulas[place] for axis in axes]
    names = runner.asked.names
    if any(fit is None for fit in fits):
        return None
    depends = [at for at, fit in enumerate(fits) if isinstance(fit, Expression)]
    run = runner.at(base)
    assert isinstance(run, Run)
    found: Size | None = run.numbers[place]
    if len(depends) == 1:
        found = fits[depends[0]]
    elif depends:
        try:
            found = _multilinear(runner, axes, base, place, depends)
        except SizeLimit:
            found = None
    if found is None:
        return None
    for point, answer in checked:
        if evaluate(found, dict(zip(names, point, strict=True))) != answer.numbers[place]:
            return None
    return found


def _multilinear(
    runner: Runner, axes: Sequence[Axis], base: Point, place: int, depends: Sequence[int]
) -> Size | None:
    """A sum of products of the variables' formulas, each with a number before it.

    For variables x, y with formulas f, g it is a*f*g + b*f + c*g + d: exact through the corners
    of a box, one side for each variable.
    """
    if len(depends) > MOST_TOGETHER:
        return None
    parts, sides = [], []
    for at in depends:
        fit = axes[at].formulas[place]
        assert isinstance(fit, Expression)
        part = (fit - fit.constant) // gcd(*fit.terms.values())
        name = runner.asked.variables[at].name
        low, *others = sorted(axes[at].legal, key=lambda value: abs(value - base[at]))
        at_low = evaluate(part, {name: low})
        high = next((v for v in others if evaluate(part, {name: v}) != at_low), None)
        if high is None:
            return None
        parts.append(part)
        sides.append(((low, at_low), (high, evaluate(part, {name: high}))))
    corners: dict[tuple[int, ...], Fraction] = {}
    for corner in product((0, 1), repeat=len(depends)):
        point = list(base)
        for at, side, end in zip(depends, sides, corner, strict=True):
            point[at] = side[end][0]
        run = runner.at(tuple(point))
        if isinstance(run, str):
            return None
        corners[corner] = Fraction(run.numbers[place])
    for axis, ((_, low), (_, high)) in enumerate(sides):
        for corner in [corner for corner in corners if corner[axis] == 0]:
            other = (*corner[:axis], 1, *corner[axis + 1 :])
            slope = (corners[other] - corners[corner]) / (high - low)
            corners[corner] -= slope * low
            corners[other] = slope
    total: Size = 0
    for corner, number in corners.items():
        if number.denominator != 1:
            return None
        term: Size = int(number)
        for part, end in zip(parts, corner, strict=True):
            term = term * part if end else term
        total = total + term
    return total


def _in_training(runner: Runner, base: Point, together: Sequence[Point]) -> list[Trained]:
    """What the runs are in training.

    Raises:
        NotProbed: it gives something else there than in evaluation, or fails.
    """
    asked = runner.asked
    found = []
    for point in dict.fromkeys((base, *together)):
        run = runner.at(point)
        assert isinstance(run, Run)
        trained = run.trained
        if isinstance(trained, str):
            names = [v.size for v, value in zip(asked.variables, point, strict=True) if value == 1]
            help = f"; state for example `{names[0]}: {{min: 2}}` in `input`" if names else ""
            raise NotProbed(f"in training, with {asked.told(point)}, torch says {trained}{help}")
        if trained.outputs != run.outputs:
            raise NotProbed(
                f"with {asked.told(point)} it gives {_types(trained.outputs)} in training, but "
                f"{_types(run.outputs)} in evaluation"
            )
        found.append(trained)
    return found


def _same_form(runner: Runner, point: Point, base: Point, run: Run) -> Run:
    """The run at a point.

    Raises:
        NotProbed: torch refuses it, or gives tensors of other ranks or dtypes.
    """
    answer = runner.at(point)
    asked = runner.asked
    if isinstance(answer, str):
        raise NotProbed(
            f"with {asked.told(point)} torch says {answer}, though it takes each of these sizes "
            "beside others: what it needs of them depends on several"
        )
    if answer.form != run.form:
        raise NotProbed(
            f"its output has another form: {_types(answer.outputs)} with {asked.told(point)}, "
            f"{_types(run.outputs)} with {asked.told(base)}"
        )
    return answer


# ---- words


def _no_formula(runner: Runner, axes: Sequence[Axis], base: Point, output: int, dim: int) -> str:
    points = list(_together(axes))[1:4]
    given = []
    for point in points:
        run = runner.at(point)
        assert isinstance(run, Run)
        given.append(f"{run.outputs[output].shape[dim]} with {runner.asked.told(point)}")
    return f"size {dim} of its output fits no formula: it is {', '.join(given)}"


def _told(runner: Runner, base: Point, place: int, number: int, values: Sequence[int]) -> str:
    name = runner.asked.variables[place].size
    given = []
    for value in values:
        run = runner.at(_moved(base, place, value))
        if isinstance(run, Run):
            given.append(f"{run.numbers[number]} for {name} = {value}")
    return f"a size of its output fits no formula: it is {', '.join(given)}"


def _moved(base: Point, place: int, value: int) -> Point:
    return (*base[:place], value, *base[place + 1 :])


def _inputs(asked: Question, point: Point) -> str:
    return _types(asked.at(point))


def _types(types: Sequence[TensorType]) -> str:
    return " and ".join(str(type) for type in types)
