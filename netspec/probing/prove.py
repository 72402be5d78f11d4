"""A proof of probed formulas: the module is run once on symbolic sizes.

FakeTensorMode with a ShapeEnv carries the sizes as symbols through every operation, from 2 on, and
notes what it had to assume of them (guards). A formula is proven where the symbolic sizes are
equal to it and each guard holds for all sizes that the spec allows. Sizes of 1, and the few small
ones for which a guard fails, are run instead, one variable at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from math import lcm
from typing import Any, NamedTuple

import sympy  # type: ignore[import-untyped]
import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import (
    DimDynamic,
    ShapeEnv,
    StatelessSymbolicContext,
)
from torch.utils._sympy import functions

from netspec.diagnostics.failure import failure
from netspec.probing.probe import Probed, first_points
from netspec.probing.question import Point, Question
from netspec.probing.refusals import NotProbed, NotProven
from netspec.probing.run import Run, Runner, called, quiet, tensors
from netspec.sizes import (
    Expression,
    Size,
    SizeLimit,
    at_least,
    equal,
    evaluate,
    exact_quotient,
    substitute,
    symbols,
)
from netspec.sizes import symbol as size_symbol
from netspec.sizes.expression import Floor

MOST_PERIOD = 10_000
MOST_SMALL = 200  # sizes of a variable that are run, where a guard does not hold


class Unreadable(Exception):
    """A symbolic size that is no formula of ours."""


class Legal(NamedTuple):
    """What a variable may be: ``step`` times a number, from ``least`` on."""

    name: str
    step: int
    least: int
    most: int | None

    @property
    def size(self) -> Size:
        return size_symbol(self.name, minimum=self.least, maximum=self.most, multiple_of=self.step)

    def up_to(self, least: int) -> range:
        return range(self.least, least, self.step)


def prove_shapes(asked: Question, probed: Probed) -> None:
    """
    Raises:
        NotProven: a symbol was specialised, a guard holds for some sizes only, or the sizes are
            others than those that were probed.
    """
    if not asked.variables:
        return  # all sizes are numbers: the run is the proof
    runner = Runner(asked)
    legal = [_legal(asked, probed, place) for place in range(len(asked.variables))]
    for one in legal:
        if one.most is not None and one.most < max(one.least, 2 * one.step):
            raise NotProven(f"{one.name} may be a single number: write it in `input`")
    point = _hint(runner, legal)
    symbolic = _symbolic_run(runner, legal, point)
    for name, value in symbolic.replaced:
        raise NotProven(
            f"torch takes {_shown(asked, name)} as the number {value}: a step needs it as a "
            "number, as `len(x)`, `range(n)` or a loop over it do"
        )
    small = _require_guards(asked, symbolic.guards, legal)
    known = {one.name: one for one in small}
    planned = [size for output in probed.outputs for size in output.shape]
    if len(planned) != len(symbolic.sizes):
        raise NotProven("on symbolic sizes its outputs have other ranks")
    for formula, found in zip(planned, symbolic.sizes, strict=True):
        _require_equal(asked, formula, found, known)
    _run_small(runner, probed, point, legal, small)


# ---- the symbolic run


class Symbolic(NamedTuple):
    """The sizes of all outputs in a row, and what was assumed, over the variables' counts."""

    sizes: tuple[Any, ...]
    guards: tuple[Any, ...]
    replaced: tuple[tuple[str, str], ...]


def _legal(asked: Question, probed: Probed, place: int) -> Legal:
    variable = asked.variables[place]
    step, least = 1, max(variable.least, 2)
    for need in probed.needs:
        if need.variable == place and need.kind == "multiple_of":
            step = need.number
    for need in probed.needs:
        if need.variable == place and need.kind == "at_least":
            least = max(least, need.number)
    least = max(-(-least // step), 2) * step  # a symbol is 2 at least
    return Legal(variable.name, step, least, variable.most)


def _hint(runner: Runner, legal: Sequence[Legal]) -> Point:
    """Sizes that torch takes, for a run that goes the usual way.

    Raises:
        NotProven: there are none.
    """
    for point in first_points(runner.asked.variables):
        values = tuple(
            max(-(-value // one.step) * one.step, one.least)
            for value, one in zip(point, legal, strict=True)
        )
        allowed = all(
            one.most is None or v <= one.most for v, one in zip(values, legal, strict=True)
        )
        if allowed and isinstance(runner.at(values), Run):
            return values
    raise NotProven("no sizes from 2 on were found that torch takes")


def _symbolic_run(runner: Runner, legal: Sequence[Legal], point: Point) -> Symbolic:
    """
    Raises:
        NotProven: torch cannot run it on symbolic sizes.
    """
    env = ShapeEnv(duck_shape=False)  # equal numbers are no reason for equal symbols
    mode = FakeTensorMode(shape_env=env, static_shapes=False, allow_non_fake_inputs=True)
    counts = [value // one.step for value, one in zip(point, legal, strict=True)]
    every: Any = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC] * len(counts))
    runner.module.eval()
    with quiet():
        try:
            dims = mode.from_tensor(torch.empty(counts, device="meta"), symbolic_context=every)
            # As long as they are symbols: a specialised one is a number afterwards.
            named = {
                _expression(count): sympy.Symbol(one.name)
                for one, count in zip(legal, dims.shape, strict=True)
                if isinstance(count, torch.SymInt)
            }
            state: dict[str, torch.Tensor] = {
                name: mode.from_tensor(value.detach(), static_shapes=True)
                for name, value in runner.module.state_dict(keep_vars=True).items()
            }
            values = {
                one.name: one.step * count for one, count in zip(legal, dims.shape, strict=True)
            }
            with mode, enable_python_dispatcher(), torch.device("meta"):
                given = [
                    torch.empty(
                        [_symint(size, values) for size in type.shape],
                        dtype=getattr(torch, type.dtype),
                    )
                    for type in runner.asked.inputs
                ]
                with torch.nn.utils.stateless._reparametrize_module(runner.module, state):
                    result = called(runner.module, given, runner.asked.keywords)
                sizes = [size for output in tensors(result) for size in output.shape]
        except NotProbed as problem:
            raise NotProven(str(problem)) from problem
        except Exception as problem:
            raise NotProven(f"on symbolic sizes torch says {failure(problem)}") from problem
    replaced = [
        (named[old].name, str(new)) for old, new in env.replacements.items() if old in named
    ]
    return Symbolic(
        tuple(
            _expression(size).xreplace(named) if isinstance(size, torch.SymInt) else size
            for size in sizes
        ),
        tuple(guard.expr.xreplace(named) for guard in env.guards),
        tuple(replaced),
    )


def _expression(size: Any) -> Any:
    return size.node.expr


def _symint(size: Size, values: Mapping[str, Any]) -> Any:
    """A size of the inputs, which is a number or so many times a variable."""
    if isinstance(size, int):
        return size
    ((monomial, number),) = size.terms.items()
    ((atom, _),) = monomial
    return number * values[atom.name]  # type: ignore[union-attr]


# ---- what was assumed


def _require_guards(
    asked: Question, guards: Sequence[Any], legal: Sequence[Legal]
) -> tuple[Legal, ...]:
    """The variables from where on all guards hold.

    Raises:
        NotProven: one does not hold from some small size on.
    """
    known = {one.name: one for one in legal}
    waiting = list(guards)
    while waiting:
        left = [guard for guard in waiting if not _holds(guard, known)]
        if not left:
            break
        for guard in left:
            if _raised(guard, known):
                break
        else:
            text = _shown(asked, str(_in_names(asked, left[0], known)))
            raise NotProven(
                f"it holds only where {text}",
                ["state in `input` what is known of the sizes: `min`, `max`, `multiple_of`"],
            )
        waiting = left
    return tuple(known[one.name] for one in legal)


def _holds(guard: Any, known: Mapping[str, Legal]) -> bool:
    """Whether a guard holds for all legal sizes, as far as it can be decided."""
    if guard in (True, sympy.true):
        return True
    if isinstance(guard, sympy.And):
        return all(_holds(part, known) for part in guard.args)
    if isinstance(guard, sympy.Or):
        return any(_holds(part, known) for part in guard.args)
    try:
        left, right = (_size(part, _counts(known)) for part in guard.args)
        return _is_true(guard, left, right)
    except (Unreadable, SizeLimit, ValueError, TypeError):
        return False


def _is_true(guard: Any, left: Size, right: Size) -> bool:
    if isinstance(guard, sympy.Eq):
        return equal(left, right).answer is True
    above, below = left - right, right - left
    if isinstance(guard, sympy.Ne):
        return _never_less(above, 1) or _never_less(below, 1)
    if isinstance(guard, sympy.Ge | sympy.Gt):
        return _never_less(above, int(isinstance(guard, sympy.Gt)))
    if isinstance(guard, sympy.Le | sympy.Lt):
        return _never_less(below, int(isinstance(guard, sympy.Lt)))
    return False


def _never_less(size: Size, bound: int) -> bool:
    """Whether ``size >= bound`` for all legal sizes, as far as it can be decided.

    A sum of floors of one variable repeats itself: after a period, what the floors cut off is the
    same, and the size has changed by the same number each time. So one period decides.
    """
    if at_least(size, bound).answer is True:
        return True
    if isinstance(size, int) or len(used := symbols(size)) != 1:
        return False
    period = _period(size)
    (one,) = used
    if period is None or period > MOST_PERIOD:
        return False
    values = [
        evaluate(size, {one.name: count * one.multiple_of})
        for count in range(one.lowest, one.lowest + period + 1)
    ]
    return values[-1] >= values[0] and min(values) >= bound


def _period(size: Expression) -> int | None:
    """A number of steps after which all floors of a sum cut off the same; None for products."""
    period = 1
    for monomial in size.terms:
        ((atom, power), *others) = monomial
        if others or power > 1:
            return None
        if isinstance(atom, Floor):
            inner = _period(atom.numerator)
            if inner is None:
                return None
            period = lcm(period, inner * atom.divisor)
    return period


def _raised(guard: Any, known: dict[str, Legal]) -> bool:
    """Whether the guard holds from a larger size of its variable on, which becomes the least."""
    names = [symbol.name for symbol in guard.free_symbols]
    if len(names) != 1 or names[0] not in known:
        return False
    one = known[names[0]]
    last = None
    for count in range(one.least // one.step, one.least // one.step + MOST_SMALL):
        try:
            if not guard.subs({sympy.Symbol(one.name): count}):
                last = count
        except TypeError:
            return False
    if last is None:
        return False
    raised = one._replace(least=(last + 1) * one.step)
    if one.most is not None and raised.least > one.most:
        return False
    if not _holds(guard, {**known, one.name: raised}):
        return False
    known[one.name] = raised
    return True


def _counts(known: Mapping[str, Legal]) -> dict[str, Size]:
    """What the symbols of a run are: a variable divided by its step."""
    found = {}
    for one in known.values():
        count = exact_quotient(one.size, one.step)
        assert count is not None
        found[one.name] = count
    return found


def _size(expression: Any, counts: Mapping[str, Size]) -> Size:
    """A size of sympy as ours.

    Raises:
        Unreadable: it has an operation that ours have not.
    """
    if isinstance(expression, int | sympy.Integer):
        return int(expression)
    if isinstance(expression, sympy.Symbol) and expression.name in counts:
        return counts[expression.name]
    parts = expression.args
    if isinstance(expression, sympy.Add):
        total: Size = 0
        for part in parts:
            total = total + _size(part, counts)
        return total
    if isinstance(expression, sympy.Mul):
        result: Size = 1
        for part in parts:
            result = result * _size(part, counts)
        return result
    if isinstance(expression, sympy.Pow) and isinstance(parts[1], sympy.Integer) and parts[1] > 0:
        result = 1
        for _ in range(int(parts[1])):
            result = result * _size(parts[0], counts)
        return result
    if len(parts) == 2 and isinstance(parts[1], sympy.Integer) and parts[1] > 0:
        if isinstance(expression, functions.FloorDiv | functions.CleanDiv):
            return _size(parts[0], counts) // int(parts[1])
        if isinstance(expression, functions.Mod | functions.PythonMod):
            return _size(parts[0], counts) % int(parts[1])
    raise Unreadable(str(expression))


# ---- what comes out


def _require_equal(asked: Question, formula: Size, found: Any, known: Mapping[str, Legal]) -> None:
    """
    Raises:
        NotProven: the symbolic size is another than the formula, or cannot be read.
    """
    shown = asked.where_it_is(formula)
    try:
        result = _size(found, _counts(known))
    except (Unreadable, SizeLimit) as problem:
        raise NotProven(f"a size that should be {shown} is {_shown(asked, str(problem))}") from None
    decision = equal(substitute(formula, {name: one.size for name, one in known.items()}), result)
    if decision.answer is not True:
        raise NotProven(f"a size that should be {shown} is {_shown(asked, str(found))}")


def _run_small(
    runner: Runner,
    probed: Probed,
    point: Point,
    legal: Sequence[Legal],
    proven: Sequence[Legal],
) -> None:
    """Runs the small sizes for which a guard does not hold.

    Raises:
        NotProven: one of them gives another size.
    """
    planned = [size for output in probed.outputs for size in output.shape]
    for place, (one, raised) in enumerate(zip(legal, proven, strict=True)):
        for value in islice(one.up_to(raised.least), MOST_SMALL):
            at = (*point[:place], value, *point[place + 1 :])
            run = runner.at(at)
            values = dict(zip(runner.asked.names, at, strict=True))
            expected = tuple(evaluate(size, values) for size in planned)
            if isinstance(run, str) or run.sizes != expected:
                given = run if isinstance(run, str) else " and ".join(map(str, run.outputs))
                raise NotProven(f"with {runner.asked.told(at)} torch gives {given}")


# ---- words


def _in_names(asked: Question, guard: Any, known: Mapping[str, Legal]) -> Any:
    """A guard over the variables themselves."""
    return guard.xreplace(
        {
            sympy.Symbol(one.name): sympy.Symbol(one.name) / one.step
            for one in known.values()
            if one.step > 1
        }
    )


def _shown(asked: Question, text: str) -> str:
    """A text of sympy's with the names that the spec has."""
    for variable in reversed(asked.variables):
        size = str(variable.size)
        text = text.replace(variable.name, size if size.isidentifier() else f"({size})")
    return text
