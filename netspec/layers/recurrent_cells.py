"""Recurrent cells: single steps of recurrent layers."""

from typing import Literal

from netspec.declaration import Output, Positive, TensorType, layer
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.layers.recurrent import InputSize, require_both, same_type
from netspec.sizes import Size, product


@layer("torch.nn.LSTMCell", obvious="hidden_size", tuple_inputs=("h_0", "c_0"))
def lstm_cell(
    input: TensorType,
    h_0: TensorType | None = None,
    c_0: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    bias: bool = True,
) -> Output:
    """LSTM cell. Outputs: ``h_1`` and ``c_1``.

    ``(N, input_size)`` or ``(input_size)`` returns both with ``hidden_size`` last. ``h_0`` and
    ``c_0`` have that shape and are given together or not at all.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html
    """
    require_both("lstm_cell", h_0, c_0)
    states = {"h_0": h_0, "c_0": c_0}
    shape, needs = _step("lstm_cell", input, states, hidden_size)
    begins = ("h_0", "c_0") if h_0 is not None else ()
    return Output(
        shape,
        parameters=_weights(4, input_size, hidden_size, bias),
        macs=_products(4, input_size, shape),
        needs=needs,
        name="h_1",
        others={"c_1": TensorType(shape)},
        saves=("input", *begins),
        saved_bytes=product(shape) * (4 * (5 if begins else 6)),
    )


@layer("torch.nn.GRUCell", obvious="hidden_size")
def gru_cell(
    input: TensorType,
    hidden: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    bias: bool = True,
) -> Output:
    """GRU cell. Shape: ``(N, input_size)`` or ``(input_size)``.

    Returns the next hidden state, with ``hidden_size`` last. ``hidden`` is the previous one.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html
    """
    shape, needs = _step("gru_cell", input, {"hidden": hidden}, hidden_size)
    return Output(
        shape,
        parameters=_weights(3, input_size, hidden_size, bias),
        macs=_products(3, input_size, shape),
        needs=needs,
        saves=("input",) if hidden is None else ("input", "hidden"),
        saved_bytes=product(shape) * (4 * (7 if hidden is None else 6)),
    )


@layer("torch.nn.RNNCell", obvious="hidden_size")
def rnn_cell(
    input: TensorType,
    hidden: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    bias: bool = True,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> Output:
    """Elman RNN cell. Shape: ``(N, input_size)`` or ``(input_size)``.

    Returns the next hidden state, with ``hidden_size`` last. ``hidden`` is the previous one.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNNCell.html
    """
    shape, needs = _step("rnn_cell", input, {"hidden": hidden}, hidden_size)
    return Output(
        shape,
        parameters=_weights(1, input_size, hidden_size, bias),
        macs=_products(1, input_size, shape),
        needs=needs,
        saves=("input", "output") if hidden is None else ("input", "hidden", "output"),
        saved_bytes=product(shape) * 4 if hidden is None else 0,
    )


def _step(
    name: str, input: TensorType, states: dict[str, TensorType | None], hidden_size: int
) -> tuple[tuple[Size, ...], Needs]:
    """The shape of the next state, and what is needed for it."""
    if input.rank not in (1, 2):
        raise Refusal(
            f"{name} takes one step: [N, E] or [E], but its input is {input}",
            help=f"for whole sequences write `{name.removesuffix('_cell')}`",
        )
    input.require_weights_dtype(name)
    shape = (*input.shape[:-1], hidden_size)
    needs: Needs = ()
    for which, state in states.items():
        if state is not None:
            needs += same_type(name, which, state, shape, input)
    return shape, needs


def _weights(
    gates: int, input_size: int, hidden_size: int, bias: bool
) -> dict[str, tuple[int, ...]]:
    width = gates * hidden_size
    found: dict[str, tuple[int, ...]] = {
        "weight_ih": (width, input_size),
        "weight_hh": (width, hidden_size),
    }
    if bias:
        found["bias_ih"] = found["bias_hh"] = (width,)
    return found


def _products(gates: int, input_size: int, shape: tuple[Size, ...]) -> Size:
    hidden_size = shape[-1]
    assert isinstance(hidden_size, int)
    return product(shape) * (gates * (input_size + hidden_size))
