"""Recurrent layers."""

from typing import Annotated

from netspec.declaration import Inferred, Output, Positive, Probability, TensorType, at_least, layer
from netspec.declaration.refusal import Refusal
from netspec.layers.linear import last_size
from netspec.sizes import product

MOST_LAYERS = 1_000  # each has parameters of its own


@layer("torch.nn.LSTM", obvious="hidden_size")
def lstm(
    input: TensorType,
    *,
    input_size: Annotated[Positive, Inferred("the input's last size", last_size)],
    hidden_size: Positive,
    num_layers: Positive = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: Probability = 0.0,
    bidirectional: bool = False,
    proj_size: int = 0,
) -> Output:
    """A long short-term memory over a sequence: outputs ``output``, ``h_n`` and ``c_n``.

    ``(L, N, input_size)``, or ``(N, L, input_size)`` with ``batch_first``, gives the same sizes
    with ``hidden_size`` (twice that where it is bidirectional) last; ``h_n`` and ``c_n`` are
    ``(layers * directions, N, hidden_size)``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """
    if input.rank not in (2, 3):
        raise Refusal(f"lstm takes [N, L, E] or one sequence [L, E], but its input is {input}")
    input.require_weights_dtype("lstm")
    if not 0 <= proj_size < hidden_size:
        raise Refusal(
            f"proj_size is from 0 to below hidden_size {hidden_size}, not {proj_size}",
            argument="proj_size",
        )
    if num_layers > MOST_LAYERS:
        raise Refusal(f"more than {MOST_LAYERS} layers", argument="num_layers")
    directions = 2 if bidirectional else 1
    out = proj_size or hidden_size
    parameters: dict[str, tuple[int, ...]] = {}
    products = 0  # for one step of one sequence
    for number in range(num_layers):
        size = input_size if number == 0 else out * directions
        for suffix in ("", "_reverse")[:directions]:
            end = f"_l{number}{suffix}"
            parameters[f"weight_ih{end}"] = (4 * hidden_size, size)
            parameters[f"weight_hh{end}"] = (4 * hidden_size, out)
            if bias:
                parameters[f"bias_ih{end}"] = (4 * hidden_size,)
                parameters[f"bias_hh{end}"] = (4 * hidden_size,)
            if proj_size:
                parameters[f"weight_hr{end}"] = (proj_size, hidden_size)
            products += 4 * hidden_size * (size + out) + proj_size * hidden_size
    warnings: tuple[str, ...] = ()
    if dropout and num_layers == 1:
        warnings = ("dropout is between layers, and there is one layer only",)
    batch = () if input.rank == 2 else (input.shape[0 if batch_first else 1],)
    length = input.shape[1 if batch_first and input.rank == 3 else 0]
    state = num_layers * directions
    return Output(
        (*input.shape[:-1], out * directions),
        parameters=parameters,
        needs=at_least(length, 1, f"lstm needs a sequence, but its input is {input}"),
        macs=products * product(input.shape[:-1]),
        warnings=warnings,
        others={
            "h_n": TensorType((state, *batch, out)),
            "c_n": TensorType((state, *batch, hidden_size)),
        },
    )


LAYERS = (lstm,)
