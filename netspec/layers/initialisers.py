"""The functions of torch.nn.init, named without their underscore.

https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from netspec.declaration.arguments import Range
from netspec.declaration.hints import Positive, Probability
from netspec.declaration.initialiser import initialiser
from netspec.declaration.refusal import Refusal

MOST = 1e37  # what is drawn has to fit into a float32
MOST_OF_FLOAT32 = 3.4028234663852886e38

Shape = tuple[int, ...]
Deviation = Annotated[float, Range(0)]
Fan = Literal["fan_in", "fan_out"]
Nonlinearity = Literal[
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu",
]  # fmt: skip


@initialiser("torch.nn.init.zeros_")
def zeros() -> None:
    """Zeros."""


@initialiser("torch.nn.init.ones_")
def ones() -> None:
    """Ones."""


@initialiser("torch.nn.init.constant_")
def constant(shape: Shape, /, *, val: float) -> None:
    """One value for all elements."""
    if MOST_OF_FLOAT32 < abs(val) < math.inf:
        raise Refusal(f"{val:g} is no number of float32", argument="val")


@initialiser("torch.nn.init.eye_")
def eye(shape: Shape, /) -> None:
    """The identity matrix."""
    _require_matrix("eye", shape)


@initialiser("torch.nn.init.dirac_")
def dirac(shape: Shape, /, *, groups: Positive = 1) -> None:
    """The Dirac delta function: a convolution that returns its input."""
    if not 3 <= len(shape) <= 5:
        raise Refusal(f"dirac is for the weight of a convolution, not for {list(shape)}")
    if shape[0] % groups:
        message = f"the first size of {list(shape)} is no multiple of groups={groups}"
        raise Refusal(message, argument="groups")


@initialiser("torch.nn.init.uniform_")
def uniform(shape: Shape, /, *, a: float = 0.0, b: float = 1.0) -> None:
    """A uniform distribution from a to b."""
    _require_moderate(a=a, b=b)
    _require_order(a, b)


@initialiser("torch.nn.init.normal_")
def normal(shape: Shape, /, *, mean: float = 0.0, std: Deviation = 1.0) -> None:
    """A normal distribution."""
    _require_moderate(mean=mean, std=std)


@initialiser("torch.nn.init.trunc_normal_")
def trunc_normal(
    shape: Shape, /, *, mean: float = 0.0, std: Deviation = 1.0, a: float = -2.0, b: float = 2.0
) -> None:
    """A normal distribution truncated to the range from a to b."""
    _require_moderate(mean=mean, std=std, a=a, b=b)
    _require_order(a, b)
    if std == 0:
        raise Refusal("std is 0, but trunc_normal divides by it", argument="std")


@initialiser("torch.nn.init.xavier_uniform_")
def xavier_uniform(shape: Shape, /, *, gain: Deviation = 1.0) -> None:
    """A uniform distribution by the numbers of inputs and outputs: Glorot and Bengio (2010)."""
    _require_moderate(gain=gain)
    _require_fans("xavier_uniform", shape)
    _require_values("xavier_uniform", shape)


@initialiser("torch.nn.init.xavier_normal_")
def xavier_normal(shape: Shape, /, *, gain: Deviation = 1.0) -> None:
    """A normal distribution by the numbers of inputs and outputs: Glorot and Bengio (2010)."""
    _require_moderate(gain=gain)
    _require_fans("xavier_normal", shape)
    _require_values("xavier_normal", shape)


@initialiser("torch.nn.init.kaiming_uniform_")
def kaiming_uniform(
    shape: Shape,
    /,
    *,
    a: float = 0,
    mode: Fan = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
) -> None:
    """A uniform distribution by the number of inputs or outputs: He et al. (2015)."""
    _require_moderate(a=a)
    _require_fans("kaiming_uniform", shape)


@initialiser("torch.nn.init.kaiming_normal_")
def kaiming_normal(
    shape: Shape,
    /,
    *,
    a: float = 0,
    mode: Fan = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
) -> None:
    """A normal distribution by the number of inputs or outputs: He et al. (2015)."""
    _require_moderate(a=a)
    _require_fans("kaiming_normal", shape)


@initialiser("torch.nn.init.orthogonal_")
def orthogonal(shape: Shape, /, *, gain: float = 1) -> None:
    """A (semi-)orthogonal matrix: Saxe et al. (2013)."""
    _require_moderate(gain=gain)
    _require_fans("orthogonal", shape)


@initialiser("torch.nn.init.sparse_")
def sparse(shape: Shape, /, *, sparsity: Probability, std: Deviation = 0.01) -> None:
    """A sparse matrix with normally distributed nonzero elements: Martens (2010)."""
    _require_moderate(std=std)
    _require_matrix("sparse", shape)


INITIALISERS = (
    zeros, ones, constant, eye, dirac, uniform, normal, trunc_normal, xavier_uniform,
    xavier_normal, kaiming_uniform, kaiming_normal, orthogonal, sparse,
)  # fmt: skip


def _require_matrix(name: str, shape: Shape) -> None:
    if len(shape) != 2:
        raise Refusal(f"{name} is for a matrix, not for {list(shape)}")


def _require_fans(name: str, shape: Shape) -> None:
    if len(shape) < 2:
        help = "a bias begins for example as 0"
        raise Refusal(f"{name} needs two or more dims, but this is {list(shape)}", help=help)


def _require_values(name: str, shape: Shape) -> None:
    if (shape[0] + shape[1]) * math.prod(shape[2:]) == 0:
        raise Refusal(f"{name} needs inputs or outputs, but this is {list(shape)}")


def _require_moderate(**numbers: float) -> None:
    for name, number in numbers.items():
        if abs(number) > MOST:
            raise Refusal(f"{name} is {number:g}, beyond {MOST:g}", argument=name)


def _require_order(a: float, b: float) -> None:
    if a > b:
        raise Refusal(f"a is {a:g}, above b, which is {b:g}", argument="a")
