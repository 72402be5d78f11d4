"""Activations: functions of each value, or of the values along one dim."""

from typing import Literal

from netspec.declaration import Output, TensorType, layer
from netspec.declaration.refusal import Refusal


@layer("torch.nn.ReLU")
def relu(input: TensorType, *, inplace: bool = False) -> Output:
    """``max(x, 0)`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    """
    if input.dtype == "bool" or input.dtype.startswith("complex"):
        raise Refusal(f"relu takes real numbers, but its input holds {input.dtype}")
    return Output(input.shape)


@layer("torch.nn.GELU")
def gelu(input: TensorType, *, approximate: Literal["none", "tanh"] = "none") -> Output:
    """``x * Phi(x)`` of each value, Phi the normal distribution's: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html
    """
    input.require_floating("gelu")
    return Output(input.shape)


@layer("torch.nn.SiLU")
def silu(input: TensorType, *, inplace: bool = False) -> Output:
    """``x * sigmoid(x)`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html
    """
    input.require_floating("silu")
    return Output(input.shape)


@layer("torch.nn.ReLU6")
def relu6(input: TensorType, *, inplace: bool = False) -> Output:
    """``min(max(x, 0), 6)`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html
    """
    if input.dtype == "bool" or input.dtype.startswith("complex"):
        raise Refusal(f"relu6 takes real numbers, but its input holds {input.dtype}")
    return Output(input.shape)


@layer("torch.nn.Hardswish")
def hardswish(input: TensorType, *, inplace: bool = False) -> Output:
    """``x * relu6(x + 3) / 6`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html
    """
    input.require_floating("hardswish")
    return Output(input.shape)


@layer("torch.nn.Hardsigmoid")
def hardsigmoid(input: TensorType, *, inplace: bool = False) -> Output:
    """``relu6(x + 3) / 6`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardsigmoid.html
    """
    input.require_floating("hardsigmoid")
    return Output(input.shape)


@layer("torch.nn.Tanh")
def tanh(input: TensorType) -> Output:
    """The hyperbolic tangent of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html
    """
    return Output(input.shape, dtype=_real_result(input))


@layer("torch.nn.Sigmoid")
def sigmoid(input: TensorType) -> Output:
    """``1 / (1 + exp(-x))`` of each value: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
    """
    return Output(input.shape, dtype=_real_result(input))


def _real_result(input: TensorType) -> str:
    """Whole numbers and bools become torch's default dtype."""
    is_fraction = input.is_floating or input.dtype.startswith("complex")
    return input.dtype if is_fraction else "float32"


@layer("torch.nn.LeakyReLU", obvious="negative_slope")
def leaky_relu(input: TensorType, *, negative_slope: float = 0.01, inplace: bool = False) -> Output:
    """``x``, or ``negative_slope * x`` where x is negative: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
    """
    input.require_floating("leaky_relu")
    return Output(input.shape)


@layer("torch.nn.Softmax", obvious="dim")
def softmax(input: TensorType, *, dim: int | None = None) -> Output:
    """Makes the values along ``dim`` positive with the sum 1: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html
    """
    return _softmax("softmax", input, dim)


@layer("torch.nn.LogSoftmax", obvious="dim")
def log_softmax(input: TensorType, *, dim: int | None = None) -> Output:
    """The logarithm of softmax along ``dim``: ``(*)`` gives ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
    """
    return _softmax("log_softmax", input, dim)


def _softmax(name: str, input: TensorType, dim: int | None) -> Output:
    input.require_floating(name)
    if dim is None:
        # torch.nn.functional._get_softmax_dim
        chosen = 0 if input.rank in (0, 1, 3) else 1
        warning = f"{name} has no `dim`: torch would take dim {chosen} of {input} and warn"
        return Output(input.shape, warnings=(warning,))
    input.dim(dim)
    return Output(input.shape)


LAYERS = (
    relu,
    gelu,
    silu,
    relu6,
    hardswish,
    hardsigmoid,
    tanh,
    sigmoid,
    leaky_relu,
    softmax,
    log_softmax,
)
