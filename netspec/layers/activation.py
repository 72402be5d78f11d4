"""Activations: elementwise functions, and functions along one dimension."""

from typing import Annotated, Literal

from netspec.declaration import (
    Output,
    Positive,
    Range,
    TensorType,
    layer,
    multiple_of,
    same,
)
from netspec.declaration.refusal import Refusal
from netspec.layers.numbers import require_finite, require_held


@layer("torch.nn.ReLU", is_elementwise=True)
def relu(input: TensorType, *, inplace: bool = False) -> Output:
    """``max(x, 0)``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """
    _require_real("relu", input)
    return Output(input.shape, saves=("output",), is_view=inplace)


@layer("torch.nn.ReLU6", is_elementwise=True)
def relu6(input: TensorType, *, inplace: bool = False) -> Output:
    """``min(max(x, 0), 6)``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
    """
    _require_real("relu6", input)
    return _copied_in_place(input, inplace)


@layer("torch.nn.LeakyReLU", obvious="negative_slope", is_elementwise=True)
def leaky_relu(input: TensorType, *, negative_slope: float = 0.01, inplace: bool = False) -> Output:
    """``x``, or ``negative_slope * x`` where x is negative. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """
    input.require_floating("leaky_relu")
    return _in_place(input, inplace)


@layer("torch.nn.PReLU", obvious="num_parameters")
def prelu(input: TensorType, *, num_parameters: Positive = 1, init: float = 0.25) -> Output:
    """leaky_relu with a learnable slope. Shape: ``(*)`` -> ``(*)``.

    ``num_parameters`` is 1, or the number of channels (the second size) for a slope per channel.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html
    """
    input.require_weights_dtype("prelu")
    channels = input.shape[1] if input.rank > 1 else 1
    message = f"num_parameters is {num_parameters}, but {input} has {channels} channels"
    needs = () if num_parameters == 1 else same(channels, num_parameters, message, "num_parameters")
    return Output(
        input.shape, parameters={"weight": (num_parameters,)}, needs=needs, saves=("input",)
    )


@layer("torch.nn.RReLU", is_elementwise=True)
def rrelu(
    input: TensorType, *, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False
) -> Output:
    """leaky_relu with a random slope in training. Shape: ``(*)`` -> ``(*)``.

    The slope is drawn from ``lower`` to ``upper``; in evaluation it is their mean.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.RReLU.html
    """
    input.require_floating("rrelu")
    require_finite(lower, "lower")
    require_finite(upper, "upper")
    if lower > upper:
        raise Refusal(f"lower {lower} is above upper {upper}", argument="lower")
    return Output(input.shape, saves=("input",), saved_bytes=input.nbytes, is_view=inplace)


@layer("torch.nn.ELU", obvious="alpha", is_elementwise=True)
def elu(input: TensorType, *, alpha: float = 1.0, inplace: bool = False) -> Output:
    """``x``, or ``alpha * (exp(x) - 1)`` where x is negative. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html
    """
    input.require_floating("elu")
    return _in_place(input, inplace)


@layer("torch.nn.CELU", obvious="alpha", is_elementwise=True)
def celu(input: TensorType, *, alpha: float = 1.0, inplace: bool = False) -> Output:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.CELU.html
    """
    if alpha == 0:
        raise Refusal("celu divides by alpha, which is 0", argument="alpha")
    input.require_floating("celu")
    return _in_place(input, inplace)


@layer("torch.nn.SELU", is_elementwise=True)
def selu(input: TensorType, *, inplace: bool = False) -> Output:
    """``1.0507 * elu(x)`` with the alpha 1.67326, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.SELU.html
    """
    input.require_floating("selu")
    return _in_place(input, inplace)


@layer("torch.nn.GELU", is_elementwise=True)
def gelu(input: TensorType, *, approximate: Literal["none", "tanh"] = "none") -> Output:
    """``x * Phi(x)``, where Phi is the normal distribution function. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """
    input.require_floating("gelu")
    return Output(input.shape, saves=("input",))


@layer("torch.nn.SiLU", is_elementwise=True)
def silu(input: TensorType, *, inplace: bool = False) -> Output:
    """``x * sigmoid(x)``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """
    _require_fraction("silu", input)
    return _copied_in_place(input, inplace)


@layer("torch.nn.Mish", is_elementwise=True)
def mish(input: TensorType, *, inplace: bool = False) -> Output:
    """``x * tanh(softplus(x))``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
    """
    input.require_floating("mish")
    return _copied_in_place(input, inplace)


@layer("torch.nn.Hardswish", is_elementwise=True)
def hardswish(input: TensorType, *, inplace: bool = False) -> Output:
    """``x * relu6(x + 3) / 6``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """
    input.require_floating("hardswish")
    return _copied_in_place(input, inplace)


@layer("torch.nn.Hardsigmoid", is_elementwise=True)
def hardsigmoid(input: TensorType, *, inplace: bool = False) -> Output:
    """``relu6(x + 3) / 6``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
    """
    input.require_floating("hardsigmoid")
    return _copied_in_place(input, inplace)


@layer("torch.nn.Hardtanh", is_elementwise=True)
def hardtanh(
    input: TensorType, *, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Output:
    """Clamp to the range from ``min_val`` to ``max_val``. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html
    """
    _require_real("hardtanh", input)
    if min_val >= max_val:
        raise Refusal(f"min_val {min_val} is not below max_val {max_val}", argument="min_val")
    require_held(input.dtype, min_val, "min_val")
    require_held(input.dtype, max_val, "max_val")
    return _copied_in_place(input, inplace)


@layer("torch.nn.Tanh", is_elementwise=True)
def tanh(input: TensorType) -> Output:
    """Hyperbolic tangent, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
    """
    return Output(input.shape, _fraction(input), saves=("output",))


@layer("torch.nn.Sigmoid", is_elementwise=True)
def sigmoid(input: TensorType) -> Output:
    """``1 / (1 + exp(-x))``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """
    return Output(input.shape, _fraction(input), saves=("output",))


@layer("torch.nn.LogSigmoid", is_elementwise=True)
def log_sigmoid(input: TensorType) -> Output:
    """Logarithm of sigmoid, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSigmoid.html
    """
    input.require_floating("log_sigmoid")
    return Output(input.shape, saves=("input",), saved_bytes=input.nbytes)


@layer("torch.nn.Softplus", obvious="beta", is_elementwise=True)
def softplus(input: TensorType, *, beta: float = 1.0, threshold: float = 20.0) -> Output:
    """``log(1 + exp(beta * x)) / beta``, elementwise. Shape: ``(*)`` -> ``(*)``.

    The result is ``x`` where ``beta * x`` is above ``threshold``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html
    """
    input.require_floating("softplus")
    return Output(input.shape, saves=("input",))


@layer("torch.nn.Softsign", is_elementwise=True)
def softsign(input: TensorType) -> Output:
    """``x / (1 + abs(x))``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softsign.html
    """
    _require_no_bool("softsign", input)
    return Output(input.shape, _fraction(input), saves=("input",), saved_bytes=input.nbytes)


@layer("torch.nn.Tanhshrink", is_elementwise=True)
def tanhshrink(input: TensorType) -> Output:
    """``x - tanh(x)``, elementwise. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanhshrink.html
    """
    _require_no_bool("tanhshrink", input)
    return Output(input.shape, _fraction(input), saved_bytes=input.nbytes)


@layer("torch.nn.Softshrink", obvious="lambd", is_elementwise=True)
def softshrink(input: TensorType, *, lambd: Annotated[float, Range(0)] = 0.5) -> Output:
    """``x`` moved towards 0 by ``lambd``, or 0. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softshrink.html
    """
    input.require_floating("softshrink")
    require_finite(lambd, "lambd")
    require_held(input.dtype, lambd, "lambd")
    return Output(input.shape, saves=("input",))


@layer("torch.nn.Hardshrink", obvious="lambd", is_elementwise=True)
def hardshrink(input: TensorType, *, lambd: float = 0.5) -> Output:
    """``x``, or 0 where x is from ``-lambd`` to ``lambd``. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardshrink.html
    """
    input.require_floating("hardshrink")
    return Output(input.shape, saves=("input",))


@layer("torch.nn.Threshold", is_elementwise=True)
def threshold(
    input: TensorType, *, threshold: float, value: float, inplace: bool = False
) -> Output:
    """``x``, or ``value`` where x is not above ``threshold``. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Threshold.html
    """
    _require_real("threshold", input)
    compared = "float32" if input.dtype in ("float16", "bfloat16") else input.dtype
    require_held(compared, threshold, "threshold")
    require_held(input.dtype, value, "value")
    return _in_place(input, inplace)


@layer("torch.nn.GLU", obvious="dim")
def glu(input: TensorType, *, dim: int = -1) -> Output:
    """``a * sigmoid(b)`` for the halves a and b of the input along ``dim``.

    ``(*, 2*M, *)`` -> ``(*, M, *)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.GLU.html
    """
    input.require_floating("glu")
    if not input.shape:
        raise Refusal("the input [] is a single number: it has no halves")
    at = input.dim(dim)
    size = input.shape[at]
    message = f"dim {at} of {input} is {size}, which has no halves"
    shape = (*input.shape[:at], size // 2, *input.shape[at + 1 :])
    return Output(shape, needs=multiple_of(size, 2, message, "dim"), saves=("input",))


@layer("torch.nn.Softmax", traits=["gives_probabilities"], obvious="dim")
def softmax(input: TensorType, *, dim: int | None = None) -> Output:
    """Rescales values along ``dim`` to be positive and sum to 1. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """
    return _softmax("softmax", input, dim)


@layer("torch.nn.LogSoftmax", obvious="dim")
def log_softmax(input: TensorType, *, dim: int | None = None) -> Output:
    """Logarithm of softmax along ``dim``. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
    """
    return _softmax("log_softmax", input, dim)


@layer("torch.nn.Softmin", traits=["gives_probabilities"], obvious="dim")
def softmin(input: TensorType, *, dim: int | None = None) -> Output:
    """Softmax of ``-x`` along ``dim``. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmin.html
    """
    return _softmax("softmin", input, dim)


@layer("torch.nn.Softmax2d", traits=["gives_probabilities"])
def softmax2d(input: TensorType) -> Output:
    """Softmax over the channels at each position. Shape: ``(N, C, H, W)`` or ``(C, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax2d.html
    """
    if input.rank not in (3, 4):
        raise Refusal(f"softmax2d takes [N, C, H, W] or [C, H, W], but its input is {input}")
    input.require_floating("softmax2d")
    return Output(input.shape, saves=("output",))


def _softmax(name: str, input: TensorType, dim: int | None) -> Output:
    input.require_floating(name)
    warnings: tuple[str, ...] = ()
    if dim is None:
        # torch.nn.functional._get_softmax_dim
        chosen = 0 if input.rank in (0, 1, 3) else 1
        warnings = (f"{name} has no `dim`: torch would take dim {chosen} of {input} and warn",)
    else:
        input.dim(dim)
    return Output(input.shape, warnings=warnings, saves=("output",))


def _in_place(input: TensorType, inplace: bool) -> Output:
    """Of a function whose gradient follows from its result as well."""
    return Output(input.shape, saves=("input",), is_view=inplace)


def _copied_in_place(input: TensorType, inplace: bool) -> Output:
    """Of a function whose gradient needs its input: in place torch keeps a copy of it."""
    if inplace:
        return Output(input.shape, saved_bytes=input.nbytes, is_view=True)
    return Output(input.shape, saves=("input",))


def _require_real(name: str, input: TensorType) -> None:
    if input.dtype == "bool" or input.dtype.startswith("complex"):
        raise Refusal(f"{name} takes real numbers, but its input holds {input.dtype}")


def _require_fraction(name: str, input: TensorType) -> None:
    if not input.dtype.startswith("complex"):
        input.require_floating(name)


def _require_no_bool(name: str, input: TensorType) -> None:
    if input.dtype == "bool":
        raise Refusal(f"{name} takes numbers, but its input holds bool")


def _fraction(input: TensorType) -> str:
    """Whole numbers and bools become torch's default dtype."""
    is_fraction = input.is_floating or input.dtype.startswith("complex")
    return input.dtype if is_fraction else "float32"
