"""The declarations of einops' layers. Nothing here imports torch or einops."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from netspec.diagnostics import listed
from netspec.plugin import (
    Need,
    NotNegative,
    Output,
    Refusal,
    Size,
    TensorType,
    at_least,
    layer,
    product,
)
from netspec_einops.axes import (
    Applied,
    Written,
    applied,
    keeps_memory,
    read_pattern,
    read_side,
    require_same_axes,
    require_spread,
    require_ungrouped_ellipsis,
)
from netspec_einops.pattern import Pattern, Side, number, shown

FLOAT = 4  # the bytes of a float32 value, as all weights are
MAX_AXES = 26  # einops writes them as the letters of an einsum

Reduction = Literal["min", "max", "sum", "mean", "prod"]


@layer("einops.layers.torch.Rearrange")
def rearrange(input: TensorType, /, *, pattern: str, **axes_lengths: NotNegative) -> Output:
    """Splits, moves and joins sizes, as a pattern says it: ``b c h w -> b (h w) c``.

    Axes in parentheses are one size of the tensor, ``1`` (or ``()``) is a size of 1, ``...`` are
    any sizes. The sizes of axes that do not follow from the input stand beside the pattern:
    ``{pattern: b c (h p) (w q) -> b (h w) (p q c), p: 8, q: 8}``.
    https://einops.rocks/api/rearrange/
    """
    parsed = read_pattern(pattern)
    require_ungrouped_ellipsis(parsed.left)
    require_same_axes(parsed, may_drop=False)
    return _moved(_for_any_rank("rearrange", parsed, input, axes_lengths))


@layer("einops.layers.torch.Reduce")
def reduce(
    input: TensorType, /, *, pattern: str, reduction: Reduction, **axes_lengths: NotNegative
) -> Output:
    """The mean, maximum, … over the axes that are on the left of a pattern only.

    ``b c (h 2) (w 2) -> b c h w`` with ``reduction: max`` is a max pooling, ``b c ... -> b c``
    with ``mean`` a global average. The rest is as in ``rearrange``.
    https://einops.rocks/api/reduce/
    """
    parsed = read_pattern(pattern)
    require_ungrouped_ellipsis(parsed.left)
    require_same_axes(parsed, may_drop=True)
    found = _for_any_rank("reduce", parsed, input, axes_lengths)
    kept = found.right.axes
    reduced = [axis for axis in found.left.axes if axis not in kept]
    if not reduced:
        return _moved(found)
    moved = Output(found.shape, needs=found.needs)
    if reduction == "sum":
        return replace(moved, dtype=_summed(input))
    if reduction == "mean":
        if not input.is_floating and not input.dtype.startswith("complex"):
            raise Refusal(
                f"a mean is taken of floating-point numbers, but the input holds {input.dtype}",
                argument="reduction",
            )
        return moved
    sizes = [found.sizes[axis] for axis in reduced]
    if reduction == "prod":
        # torch takes it over one axis after the other, the last first, and keeps what it gets.
        between: Size = 0
        for count in range(1, len(sizes)):
            between = between + product([*found.shape, *sizes[:count]])
        return replace(
            moved,
            dtype=_summed(input),
            saves=("input", "output"),
            saved_bytes=between * input.itemsize,
        )
    if input.dtype.startswith("complex"):
        raise Refusal(
            f"complex numbers have no {reduction}, and the input holds {input.dtype}",
            argument="reduction",
        )
    return replace(
        moved,
        needs=found.needs + _not_empty(reduction, reduced, found),
        saves=("input", "output"),
    )


def _for_any_rank(layer: str, pattern: Pattern, input: TensorType, written: Written) -> Applied:
    found = applied(layer, pattern, input, written)
    require_spread(layer, found)
    return found


def _moved(found: Applied) -> Output:
    is_view = keeps_memory(found.left.axes, found.right.groups, found.sizes)
    return Output(found.shape, needs=found.needs, is_view=is_view)


def _summed(input: TensorType) -> str | None:
    """The dtype of a sum or product: whole numbers and bools become int64."""
    return None if input.is_floating or input.dtype.startswith("complex") else "int64"


def _not_empty(reduction: str, reduced: list[str], found: Applied) -> tuple[Need, ...]:
    needs: tuple[Need, ...] = ()
    for axis in reduced:
        size = found.sizes[axis]
        message = f"the {reduction} over {shown((axis,))} needs at least one value"
        needs += at_least(size, 1, message, "reduction")
    return needs


@layer("einops.layers.torch.EinMix")
def ein_mix(
    input: TensorType,
    /,
    *,
    pattern: str,
    weight_shape: str,
    bias_shape: str | None = None,
    **axes_lengths: NotNegative,
) -> Output:
    """A linear layer over any axes: the input times a weight, summed over what the output lacks.

    ``{pattern: b t c -> b t d, weight_shape: c d, bias_shape: d, c: 64, d: 10}`` is a linear
    layer; ``{pattern: b t c -> b s c, weight_shape: t s, t: 49, s: 96}`` mixes places. All sizes
    of the weight and the bias stand beside the pattern, which is otherwise as in ``rearrange``.
    https://github.com/arogozhnikov/einops/blob/main/docs/3-einmix-layer.ipynb
    """
    parsed = read_pattern(pattern)
    weight = read_side(weight_shape, "weight_shape")
    bias = None if bias_shape is None else read_side(bias_shape, "bias_shape")
    _require_mixable(parsed, weight)
    _require_weight(weight, parsed, input, axes_lengths)
    found = applied("ein_mix", parsed, input, axes_lengths, weight.axes)
    if not (parsed.left.is_flat and parsed.right.is_flat):
        require_spread("ein_mix", found)
    for axis in weight.axes:
        found.sizes.setdefault(axis, axes_lengths[axis])
    if not all(axes_lengths[axis] for axis in _mixed(found, weight)):
        raise Refusal(
            "einops cannot begin a weight that sums no values: an axis of size 0 is summed over",
            argument="weight_shape",
        )
    parameters = {"weight": tuple([axes_lengths[axis] for axis in weight.axes])}
    if bias is not None:
        parameters["bias"] = _bias_shape(bias, parsed.right, axes_lengths)
    input.require_weights_dtype("ein_mix")
    product_of = _Product(found, weight)
    return Output(
        found.shape,
        parameters=parameters,
        needs=found.needs,
        macs=product_of.macs,
        saves=("input",) if product_of.saves_input else (),
        saved_bytes=product_of.saved_values * FLOAT,
    )


def _require_mixable(pattern: Pattern, weight: Side) -> None:
    """
    Raises:
        Refusal: axes stand where EinMix takes none.
    """
    left, right = pattern
    for side, argument in ((left, "pattern"), (right, "pattern"), (weight, "weight_shape")):
        size = next((number(axis) for axis in side.axes if number(axis) is not None), None)
        if size is not None:
            raise Refusal(
                f"ein_mix takes no axis without a name, but {argument} has a {size}",
                argument=argument,
                help=f"give it a name, and the name a size: `p: {size}`",
            )
    if weight.has_ellipsis:
        raise Refusal(
            "a weight has axes of known sizes, so no `...`",
            argument="weight_shape",
            help="name its axes",
        )
    if "(" in weight.text or not weight.is_flat:
        raise Refusal(
            "each axis of a weight is a size of its own: without parentheses, and no 1",
            argument="weight_shape",
            help=f"write `weight_shape: {' '.join(weight.axes)}`",
        )
    if left.has_ellipsis != right.has_ellipsis:
        raise Refusal(
            "`...` is on one side of the pattern only", argument="pattern", help="write it on both"
        )
    require_ungrouped_ellipsis(left)
    for axis in right.axes:
        if axis not in left.axes and axis not in weight.axes:
            raise Refusal(
                f"the axis {axis} of the output is neither in the input nor in the weight",
                argument="pattern",
                help=f"write {axis} in weight_shape, or on the left of the pattern",
            )
    for axis in weight.axes:
        if axis not in left.axes and axis not in right.axes:
            raise Refusal(
                f"the axis {axis} of the weight is neither in the input nor in the output",
                argument="weight_shape",
                help=f"leave {axis} out, or write it in the pattern",
            )
    if len({*left.axes, *right.axes, *weight.axes} - {"..."}) > MAX_AXES:
        raise Refusal(f"ein_mix takes at most {MAX_AXES} different axes", argument="pattern")


def _require_weight(weight: Side, pattern: Pattern, input: TensorType, written: Written) -> None:
    """
    Raises:
        Refusal: an axis of the weight has no size.
    """
    missing = [axis for axis in weight.axes if axis not in written]
    if not missing:
        return
    here = dict(zip(pattern.left.groups, input.shape, strict=False))
    if pattern.left.has_ellipsis or len(pattern.left.groups) != input.rank:
        here = {}
    examples = [f"`{axis}: {here.get((axis,), 64)}`" for axis in missing]
    have = "axis {} has" if len(missing) == 1 else "axes {} have"
    raise Refusal(
        f"the weight's {have.format(listed(missing))} no size, which has to be written",
        argument="weight_shape",
        help=f"write {listed(examples)} beside the pattern",
    )


def _bias_shape(bias: Side, right: Side, written: Written) -> tuple[int, ...]:
    """The bias has a size for each axis of the output after its ``...``: 1 where it has none.

    Raises:
        Refusal: an axis of the bias is not in the output, has no size, or comes before ``...``.
    """
    argument = "bias_shape"
    for axis in bias.axes:
        if axis not in right.axes:
            raise Refusal(
                f"the axis {shown((axis,))} of the bias is not in the output", argument=argument
            )
        if axis not in written:
            raise Refusal(
                f"the bias's axis {axis} has no size, which has to be written",
                argument=argument,
                help="a bias has no `...`"
                if axis == "..."
                else f"write `{axis}: 64` beside the pattern, with the right number",
            )
    shape: list[int] = []
    for axis in right.axes:
        if axis != "...":
            shape.append(written[axis] if axis in bias.axes else 1)
        elif any(earlier in bias.axes for earlier in right.axes[: right.axes.index(axis)]):
            raise Refusal(
                "the axes of a bias come after `...` in the output, as a bias is stretched to the "
                "sizes before its own",
                argument=argument,
            )
    return tuple(shape)


def _mixed(found: Applied, weight: Side) -> list[str]:
    """The weight's axes that are summed over."""
    return [axis for axis in weight.axes if axis not in found.right.axes]


class _Product:
    """The product of input and weight, as ``torch.einsum`` computes it.

    Axes of the input alone that the output lacks are summed first. What is left is one batched
    matrix product where a summed axis is in both, else a product value by value. An axis of size 1
    is in neither.
    https://github.com/pytorch/pytorch/blob/main/aten/src/ATen/native/Linear.cpp
    """

    def __init__(self, found: Applied, weight: Side) -> None:
        self.found = found
        self.weight = weight
        out, of_weight = found.right.axes, set(weight.axes)
        left = [axis for axis in found.left.axes if found.sizes[axis] != 1]
        self.summed_first = [axis for axis in left if axis not in out and axis not in of_weight]
        summed = [axis for axis in left if axis not in out and axis in of_weight]
        self.is_matrix_product = bool(summed)
        #: In the order of einsum's dims: those of the output, then the summed ones by name.
        dims = [*out, *sorted(axis for axis in found.left.axes if axis not in out)]
        both = tuple([axis for axis in out if axis in of_weight and axis in found.left.axes])
        of_input = tuple([axis for axis in out if axis not in of_weight])
        alone = tuple([axis for axis in out if axis not in found.left.axes])
        inner = tuple([axis for axis in dims if axis in summed])
        self.input_groups = (both, of_input, inner)
        self.weight_groups = (both, inner, alone)

    @property
    def macs(self) -> Size:
        if not self.is_matrix_product:
            return 0
        left_out = self.summed_first
        axes = {*self.found.left.axes, *self.weight.axes}
        return product([self.found.sizes[axis] for axis in sorted(axes) if axis not in left_out])

    @property
    def saves_input(self) -> bool:
        """Whether the input itself is kept for backward, not a copy in the product's order."""
        if self.summed_first:
            return False
        sizes = self.found.sizes
        return not self.is_matrix_product or keeps_memory(
            self.found.left.axes, self.input_groups, sizes
        )

    @property
    def saved_values(self) -> Size:
        """How many values of copies are kept."""
        sizes = self.found.sizes
        saved: Size = 0
        if not self.saves_input:
            axes = [axis for axis in self.found.left.axes if axis not in self.summed_first]
            saved = product([sizes[axis] for axis in axes])
        if self.is_matrix_product and not keeps_memory(self.weight.axes, self.weight_groups, sizes):
            saved = saved + product([sizes[axis] for axis in self.weight.axes])
        return saved
