"""Windows: extraction and summation of sliding windows."""

from netspec.declaration import (
    NotNegative2d,
    Output,
    Positive2d,
    TensorType,
    at_least,
    for_each_dim,
    layer,
    multiple_of,
    same,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.reshape import divided
from netspec.layers.spatial import by, require_batched_or_not, require_not_empty
from netspec.sizes import Size, product


@layer("torch.nn.Unfold")
def unfold(
    input: TensorType,
    *,
    kernel_size: Positive2d,
    dilation: Positive2d = 1,
    padding: NotNegative2d = 0,
    stride: Positive2d = 1,
) -> Output:
    """Extracts sliding windows as columns. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    Returns ``[N, C*kernel, windows]``, with ``kernel`` values in each window.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html
    """
    require_batched_or_not("unfold", input, 2)
    input.require_floating("unfold")
    needs = require_not_empty("unfold", input, 2)
    windows, fitting = _windows(input.shape[-2:], kernel_size, dilation, padding, stride)
    values = product(for_each_dim(kernel_size, 2))
    shape = (*input.shape[:-3], input.shape[-3] * values, windows)
    return Output(shape, needs=needs + fitting)


@layer("torch.nn.Fold")
def fold(
    input: TensorType,
    *,
    output_size: Positive2d,
    kernel_size: Positive2d,
    dilation: Positive2d = 1,
    padding: NotNegative2d = 0,
    stride: Positive2d = 1,
) -> Output:
    """Sums windows into an image, the reverse of unfold. Shape: ``(N, C, L)`` or ``(C, L)``.

    ``C`` is a multiple of the ``kernel`` values in each window, ``L`` the number of windows in
    an image of ``output_size``. Returns ``[N, C/kernel, output_size[0], output_size[1]]``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Fold.html
    """
    if input.rank not in (2, 3):
        raise Refusal(f"fold takes [N, C, L] or one sample [C, L], but its input is {input}")
    input.require_floating("fold")
    needs = require_not_empty("fold", input, 1)
    sizes = for_each_dim(output_size, 2)
    windows, fitting = _windows(sizes, kernel_size, dilation, padding, stride)
    needs += fitting
    columns, length = input.shape[-2:]
    values = product(for_each_dim(kernel_size, 2))
    assert isinstance(values, int)

    def split() -> str:
        kernel = by(for_each_dim(kernel_size, 2))
        return f"the {columns} rows of {input} are no multiple of the {kernel} values of a window"

    def differ() -> str:
        return f"an image of {by(sizes)} has {windows} such windows, but {input} holds {length}"

    needs += multiple_of(columns, values, split, "kernel_size")
    needs += same(length, windows, differ, "output_size")
    return Output((*input.shape[:-2], divided(columns, values), *sizes), needs=needs)


def _windows(
    sizes: tuple[Size, ...],
    kernel_size: int | tuple[int, ...],
    dilation: int | tuple[int, ...],
    padding: int | tuple[int, ...],
    stride: int | tuple[int, ...],
) -> tuple[Size, Needs]:
    """How many windows there are in an image, and what has to be true for them."""
    needs: Needs = ()
    counts: list[Size] = []
    numbers = [for_each_dim(value, 2) for value in (kernel_size, dilation, padding, stride)]

    def message() -> str:
        kernel = by(for_each_dim(kernel_size, 2))
        return f"the window of {kernel} does not fit into the image of {by(sizes)}"

    for size, k, d, p, s in zip(sizes, *numbers, strict=True):
        count = (size + (2 * p - d * (k - 1) - 1)) // s + 1
        needs += at_least(count, 1, message, "kernel_size")
        counts.append(count)
    return product(counts), needs
