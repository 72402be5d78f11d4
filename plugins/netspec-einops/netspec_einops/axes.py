"""The sizes of a pattern's axes, found from the input and the sizes that are written.

As einops does it: of the axes of one size of the input all but one are given, the last one follows.
Here sizes may be symbols, and what has to be true of them is a need of the layer.
https://einops.rocks/api/rearrange/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from netspec.diagnostics import did_you_mean, listed
from netspec.plugin import (
    Need,
    Refusal,
    Size,
    TensorType,
    exact_quotient,
    multiple_of,
    product,
    same,
)
from netspec_einops.pattern import (
    ELLIPSIS,
    Pattern,
    PatternError,
    Side,
    number,
    parse_pattern,
    parse_side,
    shown,
)

PATTERN = "pattern"
MAX_SPREAD = 7  # einops' layers are made ready for an ellipsis of so many sizes

Sizes = Mapping[str, Size]
Written = Mapping[str, int]


class Applied(NamedTuple):
    """A pattern applied to an input: ellipses are axes of their own, and all sizes are known."""

    left: Side
    right: Side
    sizes: dict[str, Size]
    needs: tuple[Need, ...]

    @property
    def shape(self) -> tuple[Size, ...]:
        """The shape of what the pattern's right side describes."""
        return tuple([product([self.sizes[axis] for axis in group]) for group in self.right.groups])


def read_pattern(text: str) -> Pattern:
    """
    Raises:
        Refusal: it is no pattern.
    """
    try:
        return parse_pattern(text)
    except PatternError as problem:
        raise Refusal(problem.message, argument=PATTERN, help=problem.help) from None


def read_side(text: str, argument: str) -> Side:
    """Axes without an arrow, as those of a weight.

    Raises:
        Refusal: the text is no such thing.
    """
    try:
        return parse_side(text)
    except PatternError as problem:
        raise Refusal(problem.message, argument=argument, help=problem.help) from None


def require_same_axes(pattern: Pattern, *, may_drop: bool) -> None:
    """Each axis of the left is on the right, and the other way round.

    Args:
        may_drop: axes of the left may be on the left only.

    Raises:
        Refusal: an axis is on one side only, or a number that is not 1 stands where none may.
    """
    left, right = pattern
    for side, numbers_allowed in ((left, may_drop), (right, False)):
        numbers = [axis for axis in side.axes if number(axis) is not None]
        if numbers and not numbers_allowed:
            size = number(numbers[0])
            raise Refusal(
                f"the pattern has an axis {size} without a name, which is on one side only",
                argument=PATTERN,
                help=f"give it a name on both sides, and the name a size: `p: {size}`",
            )
    for axis in right.axes:
        if axis not in left.axes:
            raise Refusal(
                f"the axis {axis} is on the right of the pattern only",
                argument=PATTERN,
                help=did_you_mean(axis, [a for a in left.axes if a not in right.axes])
                or f"write {axis} on the left too: no layer of einops makes new values",
            )
    for axis in left.axes:
        if axis not in right.axes and not may_drop:
            raise Refusal(
                f"the axis {axis} is on the left of the pattern only",
                argument=PATTERN,
                help=f"write {axis} on the right too, or take the mean over it: "
                "`reduce: {pattern: ..., reduction: mean}`",
            )


def require_ungrouped_ellipsis(left: Side) -> None:
    """
    Raises:
        Refusal: the left side's ``...`` is in parentheses.
    """
    if left.is_grouped:
        raise Refusal(
            "`...` is in parentheses on the left of the pattern",
            argument=PATTERN,
            help="sizes can be joined so on the right; on the left write `...` alone",
        )


def applied(
    layer: str, pattern: Pattern, input: TensorType, written: Written, others: Iterable[str] = ()
) -> Applied:
    """The sizes of all axes of the left side, for an input.

    Args:
        others: axes that are not in the pattern's left, but may have a size (those of a weight).

    Raises:
        Refusal: the input has other sizes than the pattern, or a size does not follow.
    """
    _require_known(layer, pattern.left, written, others)
    _require_one_unknown(pattern.left, input, written)
    count = _spread(layer, pattern.left, input)
    left, right = (side.with_ellipsis(count) for side in pattern)
    sizes: dict[str, Size] = {}
    needs: tuple[Need, ...] = ()
    for dim, (group, length) in enumerate(zip(left.groups, input.shape, strict=True)):
        for axis in group:
            known = number(axis) or written.get(axis)
            if known is not None:
                sizes[axis] = known
        needs += _group_sizes(group, length, dim, sizes)
    return Applied(left, right, sizes, needs)


def _require_known(layer: str, left: Side, written: Written, others: Iterable[str]) -> None:
    there = [axis for axis in left.axes if axis != ELLIPSIS and number(axis) is None]
    there += [axis for axis in others if axis not in there]
    for name in written:
        if name not in there:
            has = f"it has {listed(there)}" if there else "it has none that takes a size"
            raise Refusal(
                f"the pattern of {layer} has no axis {name}",
                argument=name,
                help=did_you_mean(name, there) or has,
            )
    if "self" in written:
        raise Refusal("einops takes no size of an axis called self", argument="self")


def _require_one_unknown(left: Side, input: TensorType, written: Written) -> None:
    for group in left.groups:
        unknown = [axis for axis in group if number(axis) is None and axis not in written]
        if len(unknown) > 1:
            raise Refusal(
                f"the sizes of {listed(unknown)} in {shown(group)} do not follow from the "
                f"input {input}: one of them would, if the others were written",
                argument=PATTERN,
                help=f"write {listed([f'`{axis}: 8`' for axis in unknown[1:]])} "
                "beside the pattern, with the right number",
            )


def _spread(layer: str, left: Side, input: TensorType) -> int:
    """How many axes the ellipsis stands for.

    Raises:
        Refusal: the input has more or fewer sizes than the pattern.
    """
    wanted, has = len(left.groups), input.rank
    takes = f"[{', '.join(shown(group) for group in left.groups)}]"
    if not left.has_ellipsis:
        if has != wanted:
            raise Refusal(
                f"{layer} takes {takes}, {_sizes(wanted)}, but its input {input} has {has}",
                argument=PATTERN,
                help="write an axis for each size of the input on the left, "
                "or `...` for any number of them",
            )
        return 0
    count = has - (wanted - 1)
    if count < 0:
        raise Refusal(
            f"{layer} takes {takes}, {_sizes(wanted - 1)} or more, but its input {input} has {has}",
            argument=PATTERN,
            help="write fewer axes on the left",
        )
    return count


def require_spread(layer: str, found: Applied) -> None:
    """
    Raises:
        Refusal: the ellipsis stands for more sizes than einops' layers are made for.
    """
    count = sum(axis.startswith(ELLIPSIS) for axis in found.left.axes)
    if count > MAX_SPREAD:
        raise Refusal(
            f"`...` stands for {count} sizes, but {layer} takes at most {MAX_SPREAD} there",
            argument=PATTERN,
            help="write some of the axes by name",
        )


def _sizes(count: int) -> str:
    return "one size" if count == 1 else f"{count} sizes"


def _group_sizes(
    group: tuple[str, ...], length: Size, dim: int, sizes: dict[str, Size]
) -> tuple[Need, ...]:
    """Finds the one axis whose size is not known; ``sizes`` gets it."""
    unknown = [axis for axis in group if axis not in sizes]
    known = product([sizes[axis] for axis in group if axis in sizes])
    assert isinstance(known, int)
    argument = next((axis for axis in group if axis in sizes and number(axis) is None), PATTERN)
    given = {axis: sizes[axis] for axis in group if axis in sizes}
    if not unknown:
        return same(
            length,
            known,
            lambda: f"{_stated(group, known, given)}, but the input's size {dim} is {length}",
            argument,
        )
    (axis,) = unknown
    if len(group) == 1:
        sizes[axis] = length
        return ()
    if not known:
        raise Refusal(f"any size of {axis} gives 0 in {shown(group)}", argument=argument)
    sizes[axis] = _divided(length, known)
    return multiple_of(
        length,
        known,
        lambda: (
            f"the input's size {dim} is {length}, which is no multiple of {known}: "
            f"{shown(group)} has {_named(given)}"
        ),
        argument,
    )


def _stated(group: tuple[str, ...], size: int, sizes: Sizes) -> str:
    """What the pattern and the written sizes say of one size of the input."""
    if len(group) > 1:
        return f"{shown(group)} is {size} (for {_named(sizes)})"
    if not group or number(group[0]) is not None:
        return f"the pattern has a {size} there"
    return _named(sizes)


def _named(sizes: Sizes) -> str:
    return listed([f"a {n}" if number(axis) else f"{axis} = {n}" for axis, n in sizes.items()])


def _divided(size: Size, divisor: int) -> Size:
    """A multiple of the number, divided by it."""
    quotient = exact_quotient(size, divisor)
    return size // divisor if quotient is None else quotient


def keeps_memory(before: Iterable[str], groups: Iterable[tuple[str, ...]], sizes: Sizes) -> bool:
    """Whether a tensor with the axes ``before``, in this order in memory, is grouped by a view.

    The axes of each group have to follow each other in memory; an axis of size 1 does not count. A
    symbol is taken for more than 1, as ``Tensor.reshape`` copies then.
    """
    place = {axis: at for at, axis in enumerate(a for a in before if sizes[a] != 1)}
    for group in groups:
        places = [place[axis] for axis in group if axis in place]
        if any(b != a + 1 for a, b in pairwise(places)):
            return False
    return True
