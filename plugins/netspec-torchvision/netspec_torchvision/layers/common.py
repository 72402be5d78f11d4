"""What the declarations share."""

from netspec.plugin import Refusal, Size, TensorType

#: The bytes of a float32 value, as all weights are.
FLOAT = 4
#: The bytes of an int64 value, as all indices are.
INDEX = 8

#: Parameters or buffers by name.
Shapes = dict[str, tuple[int, ...]]


def second_size(input: TensorType, written: object = None) -> Size:
    """The channels of an image.

    Raises:
        Refusal: the input has fewer than two dims.
    """
    if input.rank < 2:
        raise Refusal(f"the input {input} has no channels: they are the second of its sizes")
    return input.shape[1]


def require_sizes(layer: str, input: TensorType, sizes: str) -> None:
    """
    Args:
        sizes: how the input's sizes are called, as in ``N, H, W, C``.

    Raises:
        Refusal: the input has more or fewer.
    """
    if input.rank != sizes.count(",") + 1:
        raise Refusal(f"{layer} takes [{sizes}], but its input is {input}")


def linear(name: str, out_features: int, in_features: int, bias: bool = True) -> Shapes:
    """The parameters of a ``torch.nn.Linear`` that is the child ``name``."""
    weights: Shapes = {f"{name}.weight": (out_features, in_features)}
    if bias:
        weights[f"{name}.bias"] = (out_features,)
    return weights
