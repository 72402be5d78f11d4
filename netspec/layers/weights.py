"""The parameters of layers that multiply and add."""


def weight_and_bias(
    weight: tuple[int, ...], bias: tuple[int, ...], has_bias: bool
) -> dict[str, tuple[int, ...]]:
    """The shapes of ``weight`` and, where there is one, ``bias``, as in ``state_dict``."""
    return {"weight": weight, "bias": bias} if has_bias else {"weight": weight}
