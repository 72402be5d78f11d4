"""Padding: of sequences, images and volumes."""

from collections.abc import Sequence

from netspec.declaration import Output, TensorType, at_least, layer
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.numbers import require_held
from netspec.layers.spatial import require_batched_or_not, require_not_empty

Sides1d = int | tuple[int, int]
Sides2d = int | tuple[int, int, int, int]
Sides3d = int | tuple[int, int, int, int, int, int]


@layer("torch.nn.CircularPad1d")
def circular_pad1d(input: TensorType, *, padding: Sides1d) -> Output:
    """Circular padding. Shape: ``(N, C, L)`` or ``(C, L)``.

    ``padding`` is one number, or ``[left, right]``: ``L`` becomes ``L + left + right``.
    Each side adds at most the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad1d.html
    """
    return _padding_of_image("circular_pad1d", 1, input, padding, "circular")


@layer("torch.nn.CircularPad2d")
def circular_pad2d(input: TensorType, *, padding: Sides2d) -> Output:
    """Circular padding. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom]``: ``W`` becomes
    ``W + left + right``, and ``H`` ``H + top + bottom``.
    Each side adds at most the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad2d.html
    """
    return _padding_of_image("circular_pad2d", 2, input, padding, "circular")


@layer("torch.nn.CircularPad3d")
def circular_pad3d(input: TensorType, *, padding: Sides3d) -> Output:
    """Circular padding. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom, front, back]``: ``W`` becomes
    ``W + left + right``, ``H`` ``H + top + bottom``, and ``D`` ``D + front + back``.
    Each side adds at most the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.CircularPad3d.html
    """
    return _padding_of_image("circular_pad3d", 3, input, padding, "circular")


@layer("torch.nn.ConstantPad1d")
def constant_pad1d(input: TensorType, *, padding: Sides1d, value: float) -> Output:
    """Adds ``value`` at both ends of the last dimension. Shape: ``(*, L)``.

    ``padding`` is one number, or ``[left, right]``: ``L`` becomes ``L + left + right``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad1d.html
    """
    return _padding(1, input, padding, value)


@layer("torch.nn.ConstantPad2d")
def constant_pad2d(input: TensorType, *, padding: Sides2d, value: float) -> Output:
    """Adds ``value`` at both ends of the last 2 dimensions. Shape: ``(*, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom]``: ``W`` becomes
    ``W + left + right``, and ``H`` ``H + top + bottom``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad2d.html
    """
    return _padding(2, input, padding, value)


@layer("torch.nn.ConstantPad3d")
def constant_pad3d(input: TensorType, *, padding: Sides3d, value: float) -> Output:
    """Adds ``value`` at both ends of the last 3 dimensions. Shape: ``(*, D, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom, front, back]``: ``W`` becomes
    ``W + left + right``, ``H`` ``H + top + bottom``, and ``D`` ``D + front + back``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ConstantPad3d.html
    """
    return _padding(3, input, padding, value)


@layer("torch.nn.ReflectionPad1d")
def reflection_pad1d(input: TensorType, *, padding: Sides1d) -> Output:
    """Reflects the input at its boundary. Shape: ``(N, C, L)`` or ``(C, L)``.

    ``padding`` is one number, or ``[left, right]``: ``L`` becomes ``L + left + right``.
    Each side adds less than the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad1d.html
    """
    return _padding_of_image("reflection_pad1d", 1, input, padding, "reflect")


@layer("torch.nn.ReflectionPad2d")
def reflection_pad2d(input: TensorType, *, padding: Sides2d) -> Output:
    """Reflects the input at its boundary. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom]``: ``W`` becomes
    ``W + left + right``, and ``H`` ``H + top + bottom``.
    Each side adds less than the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad2d.html
    """
    return _padding_of_image("reflection_pad2d", 2, input, padding, "reflect")


@layer("torch.nn.ReflectionPad3d")
def reflection_pad3d(input: TensorType, *, padding: Sides3d) -> Output:
    """Reflects the input at its boundary. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom, front, back]``: ``W`` becomes
    ``W + left + right``, ``H`` ``H + top + bottom``, and ``D`` ``D + front + back``.
    Each side adds less than the size of the input; negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReflectionPad3d.html
    """
    return _padding_of_image("reflection_pad3d", 3, input, padding, "reflect")


@layer("torch.nn.ReplicationPad1d")
def replication_pad1d(input: TensorType, *, padding: Sides1d) -> Output:
    """Repeats the boundary values. Shape: ``(N, C, L)`` or ``(C, L)``.

    ``padding`` is one number, or ``[left, right]``: ``L`` becomes ``L + left + right``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad1d.html
    """
    return _padding_of_image("replication_pad1d", 1, input, padding, "replicate")


@layer("torch.nn.ReplicationPad2d")
def replication_pad2d(input: TensorType, *, padding: Sides2d) -> Output:
    """Repeats the boundary values. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom]``: ``W`` becomes
    ``W + left + right``, and ``H`` ``H + top + bottom``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad2d.html
    """
    return _padding_of_image("replication_pad2d", 2, input, padding, "replicate")


@layer("torch.nn.ReplicationPad3d")
def replication_pad3d(input: TensorType, *, padding: Sides3d) -> Output:
    """Repeats the boundary values. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom, front, back]``: ``W`` becomes
    ``W + left + right``, ``H`` ``H + top + bottom``, and ``D`` ``D + front + back``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReplicationPad3d.html
    """
    return _padding_of_image("replication_pad3d", 3, input, padding, "replicate")


@layer("torch.nn.ZeroPad1d")
def zero_pad1d(input: TensorType, *, padding: Sides1d) -> Output:
    """Adds zeros at both ends of the last dimension. Shape: ``(*, L)``.

    ``padding`` is one number, or ``[left, right]``: ``L`` becomes ``L + left + right``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad1d.html
    """
    return _padding(1, input, padding, 0)


@layer("torch.nn.ZeroPad2d")
def zero_pad2d(input: TensorType, *, padding: Sides2d) -> Output:
    """Adds zeros at both ends of the last 2 dimensions. Shape: ``(*, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom]``: ``W`` becomes
    ``W + left + right``, and ``H`` ``H + top + bottom``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad2d.html
    """
    return _padding(2, input, padding, 0)


@layer("torch.nn.ZeroPad3d")
def zero_pad3d(input: TensorType, *, padding: Sides3d) -> Output:
    """Adds zeros at both ends of the last 3 dimensions. Shape: ``(*, D, H, W)``.

    ``padding`` is one number, or ``[left, right, top, bottom, front, back]``: ``W`` becomes
    ``W + left + right``, ``H`` ``H + top + bottom``, and ``D`` ``D + front + back``.
    Negative numbers crop.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.ZeroPad3d.html
    """
    return _padding(3, input, padding, 0)


def _padding(dims: int, input: TensorType, padding: int | tuple[int, ...], value: float) -> Output:
    """Padding with a value, which looks at no other dims than those that grow."""
    if input.rank < dims:
        raise Refusal(f"padding of {dims} dims, but the input {input} has {input.rank}")
    return padded(input, _sides(padding, dims), "constant", value, "padding")


def _padding_of_image(
    name: str, dims: int, input: TensorType, padding: int | tuple[int, ...], mode: str
) -> Output:
    require_batched_or_not(name, input, dims)
    return padded(input, _sides(padding, dims), mode, 0, "padding")


def _sides(padding: int | tuple[int, ...], dims: int) -> tuple[int, ...]:
    return (padding,) * (2 * dims) if isinstance(padding, int) else padding


def padded(
    input: TensorType, sides: Sequence[int], mode: str, value: float, argument: str
) -> Output:
    """The input with values added at the sides of its last dims: ``[left, right, top, ...]``.

    Raises:
        Refusal: the mode cannot add or take away so many, or the dtype does not hold the value.
    """
    dims = len(sides) // 2
    needs: Needs = ()
    if mode in ("reflect", "replicate"):
        if input.dtype == "bool":
            raise Refusal(f"mode {mode} takes numbers, but its input holds bool")
        needs += require_not_empty(f"mode {mode}", input, dims)
    elif mode == "constant" and any(side > 0 for side in sides):
        require_held(input.dtype, value, "value")
    shape = list(input.shape)
    for number in range(dims):
        before, after = sides[2 * number : 2 * number + 2]
        at = input.rank - 1 - number
        needs += mode_needs(mode, input, at, before, after, argument)
        shape[at] = shape[at] + before + after
    return Output(
        tuple(shape), needs=needs, saves=("input",) if mode in ("reflect", "replicate") else ()
    )


def mode_needs(
    mode: str, input: TensorType, at: int, before: int, after: int, argument: str
) -> Needs:
    """What has to be true of a dim to which values are added (or taken from: below 0)."""
    size = input.shape[at]
    most = max(before, after)
    cut = min(before, 0) + min(after, 0)
    needs: Needs = ()

    def added() -> str:
        where = f"dim {at} of {input}"
        if mode == "reflect":
            return f"mode reflect cannot add {most} values to {where}: at most {size - 1}"
        cropped = f", which loses {-cut}" if cut else ""
        return f"mode {mode} cannot add {most} values to {where}{cropped}: at most {size + cut}"

    def taken() -> str:
        return f"{argument} of {before} and {after} leaves nothing of dim {at} of {input}"

    if mode == "reflect" and most >= 0:
        needs += at_least(size, most + 1, added, argument)
    elif mode == "circular" and most > 0:
        needs += at_least(size + cut, most, added, argument)
    if cut:
        if mode == "constant":  # it takes away first
            needs += at_least(size + cut, 0, taken, argument)
        needs += at_least(size + before + after, 1, taken, argument)
    return needs
