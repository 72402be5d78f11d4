"""What the declarations share."""

#: The bytes of a float32 value, as all weights are.
FLOAT = 4
#: The bytes of an int64 value, as all indices are.
INDEX = 8

#: Parameters by name.
Shapes = dict[str, tuple[int, ...]]


def linear(name: str, out_features: int, in_features: int, bias: bool) -> Shapes:
    """The parameters of a ``torch.nn.Linear`` that is the child ``name``."""
    weights: Shapes = {f"{name}.weight": (out_features, in_features)}
    if bias:
        weights[f"{name}.bias"] = (out_features,)
    return weights


def divisors_below(number: int, most: int) -> list[int]:
    """The numbers up to ``most`` that divide ``number``, the largest first."""
    return [n for n in range(min(most, number, 1_000), 0, -1) if number % n == 0]
