"""The arguments of layers as PyTorch, Keras and ultralytics give them, as netspec's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from netspec.advice.calls import Given
from netspec.declaration import LayerType, TensorType
from netspec.diagnostics import nearest
from netspec.sizes import Size
from netspec.spec import Value

#: Names of Keras and others. Those that a layer has itself are not looked for here.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "alpha": ("negative_slope",),
    "channels": ("out_channels",),
    "dilation_rate": ("dilation",),
    "epsilon": ("eps",),
    "features": ("out_features",),
    "filters": ("out_channels",),
    "heads": ("num_heads", "nhead"),
    "hidden": ("hidden_size", "hidden_features", "dim_feedforward"),
    "hidden_dim": ("hidden_size", "hidden_features", "dim_feedforward"),
    "in_dim": ("in_features", "input_size"),
    "input_dim": ("num_embeddings", "in_features", "input_size"),
    "k": ("kernel_size",),
    "kernel": ("kernel_size",),
    "ksize": ("kernel_size",),
    "layers": ("num_layers",),
    "n_heads": ("num_heads", "nhead"),
    "neurons": ("out_features", "hidden_size"),
    "nhead": ("num_heads",),
    "num_heads": ("nhead",),
    "out": ("out_features",),
    "out_dim": ("out_features",),
    "output_dim": ("embedding_dim",),
    "pad": ("padding",),
    "pool_size": ("kernel_size",),
    "prob": ("p",),
    "rate": ("p",),
    "s": ("stride",),
    "scale": ("scale_factor",),
    "size": ("out_features", "output_size"),
    "strides": ("stride",),
    "units": ("out_features", "hidden_size"),
    "use_bias": ("bias",),
    "vocab_size": ("num_embeddings",),
    "width": ("out_features", "hidden_size"),
}
#: The arguments of others that have no meaning here, or whose default is the same.
LEFT_OUT = frozenset({"input_shape", "name", "data_format", "device", "dtype", "in_place"})
#: Another layer after this one: Keras' `activation`.
FOLLOWING = "activation"


def other_name(name: str, known: Collection[str]) -> str | None:
    """The argument among those that are known which other libraries call so."""
    return next((other for other in OTHER_NAMES.get(name, ()) if other in known), None)


def named(
    layer_type: LayerType, given: Sequence[tuple[str, Given]], input: TensorType | None
) -> tuple[dict[str, Given], Value]:
    """Arguments by netspec's names, and the activation that follows the layer.

    Raises:
        ValueError: one of them has no meaning for the layer.
    """
    found: dict[str, Given] = {}
    activation: Value = None
    for name, value in given:
        if name == FOLLOWING and name not in layer_type.arguments:
            activation = value.value
            continue
        if name in LEFT_OUT and name not in layer_type.arguments:
            continue
        if name not in layer_type.arguments:
            name = (
                other_name(name, layer_type.arguments) or nearest(name, layer_type.arguments) or ""
            )
            if not name:
                raise ValueError("no such argument")
        if is_written(layer_type, name, value, input):
            found[name] = value
    return found, activation


def activation_of(value: Value) -> str:
    """The name of an activation that is an argument elsewhere; empty where there is none."""
    return value if isinstance(value, str) and value not in ("linear", "none", "None") else ""


def positional(
    layer_type: LayerType,
    values: Sequence[Given],
    input: TensorType | None,
    *,
    as_torch: bool,
    by_name: int = 0,
) -> tuple[dict[str, Given], bool]:
    """Values by the names of the class's arguments, without those that are inferred.

    ``Conv2d(3, 8, 3)`` has the channels of the input first (``as_torch``). ``conv2d: [8, 3]`` may
    leave them out: there the first value is taken for them where it is their number and the others
    are enough. Also whether there is only one way to read the values.

    ``by_name`` is how many of the required arguments are given by their names.

    Raises:
        ValueError: there are too many.
    """
    arguments = list(layer_type.arguments)
    certain = True
    leading = arguments[0] if arguments and arguments[0] in layer_type.inferred else None
    if as_torch:
        if leading is not None and 0 < len(layer_type.required) >= len(values) + by_name:
            arguments = [name for name in arguments if name not in layer_type.inferred]
    elif leading is not None:
        size = _inferred_size(layer_type, leading, input)
        is_size = size is not None and bool(values) and values[0].value == size
        enough = len(values) > len(layer_type.required)
        if not layer_type.required or (enough and (is_size or size is None)):
            certain = not layer_type.required or is_size
        else:
            arguments = [name for name in arguments if name not in layer_type.inferred]
    if len(values) > len(arguments):
        raise ValueError("too many")
    given = zip(arguments, values, strict=False)
    return {n: v for n, v in given if is_written(layer_type, n, v, input)}, certain


def is_written(layer_type: LayerType, name: str, given: Given, input: TensorType | None) -> bool:
    """Whether an argument is written: not what the input says in any case."""
    if name not in layer_type.inferred:
        return True
    size = _inferred_size(layer_type, name, input, given.value)
    return size == given.value and size != _inferred_size(layer_type, name, input)


def _inferred_size(
    layer_type: LayerType, name: str, input: TensorType | None, written: Value = None
) -> Size | tuple[Size, ...] | None:
    """The inferred value of an argument for this input; None where it is not known."""
    inferred = layer_type.inferred[name]
    if input is None or inferred.place:
        return None
    try:
        return inferred.find(input, written)
    except Exception:  # a refusal, or the mistake of a plugin
        return None
