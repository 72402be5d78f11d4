"""Dropouts."""

from netspec.declaration import Output, Probability, TensorType, layer
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, product


@layer("torch.nn.Dropout", obvious="p", is_elementwise=True)
def dropout(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Zeroes elements with probability ``p`` in training. Shape: ``(*)`` -> ``(*)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    """
    return _dropped("dropout", input, input.numel, p, inplace)


@layer("torch.nn.Dropout1d", obvious="p")
def dropout1d(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Zeroes whole channels in training. Shape: ``(N, C, L)`` or ``(C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout1d.html
    """
    if input.rank not in (2, 3):
        raise Refusal(f"dropout1d takes [N, C, L] or [C, L], but its input is {input}")
    return _dropped("dropout1d", input, product(input.shape[:-1]), p, inplace)


@layer("torch.nn.Dropout2d", obvious="p")
def dropout2d(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Zeroes whole channels in training. Shape: ``(N, C, H, W)``, or ``(N, C, L)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
    """
    warnings: tuple[str, ...] = ()
    if input.rank != 4:
        warnings = (f"dropout2d takes [N, C, H, W]: torch takes {input} for [N, C, *] and warns",)
    _require_channels("dropout2d", input)
    return _dropped("dropout2d", input, product(input.shape[:2]), p, inplace, warnings)


@layer("torch.nn.Dropout3d", obvious="p")
def dropout3d(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Zeroes whole channels in training. Shape: ``(N, C, D, H, W)`` or ``(C, D, H, W)``.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout3d.html
    """
    warnings: tuple[str, ...] = ()
    if input.rank not in (4, 5):
        warnings = (f"dropout3d takes [N, C, D, H, W]: torch takes {input} for [C, *] and warns",)
    if not input.shape:
        raise Refusal("dropout3d takes [N, C, D, H, W], but its input is []")
    channels = product(input.shape[: 2 if input.rank == 5 else 1])
    return _dropped("dropout3d", input, channels, p, inplace, warnings)


@layer("torch.nn.AlphaDropout", obvious="p", is_elementwise=True)
def alpha_dropout(input: TensorType, *, p: Probability = 0.5, inplace: bool = False) -> Output:
    """Dropout that preserves mean and standard deviation, for selu. Shape: ``(*)`` -> ``(*)``.

    ``inplace`` has no effect in torch.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.AlphaDropout.html
    """
    return _dropped("alpha_dropout", input, input.numel, p, False)


@layer("torch.nn.FeatureAlphaDropout", obvious="p")
def feature_alpha_dropout(
    input: TensorType, *, p: Probability = 0.5, inplace: bool = False
) -> Output:
    """Alpha dropout of whole channels. Shape: ``(N, C, *)``, unchanged.

    ``inplace`` has no effect in torch.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.FeatureAlphaDropout.html
    """
    _require_channels("feature_alpha_dropout", input)
    return _dropped("feature_alpha_dropout", input, product(input.shape[:2]), p, False)


def _require_channels(name: str, input: TensorType) -> None:
    if input.rank < 2:
        raise Refusal(f"{name} takes [N, C, *], but its input is {input}")


def _dropped(
    name: str,
    input: TensorType,
    drawn: Size,
    p: float,
    inplace: bool,
    warnings: tuple[str, ...] = (),
) -> Output:
    """``drawn`` numbers say what is dropped; without chance nothing is drawn."""
    input.require_floating(name)
    if p == 0:
        return Output(input.shape, is_view=True, warnings=warnings)
    return Output(
        input.shape,
        saved_bytes=drawn * input.itemsize if p < 1 else input.itemsize,
        is_view=inplace,
        warnings=warnings,
    )
