"""Recurrent layers."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from netspec.declaration import (
    Inferred,
    Output,
    Positive,
    Probability,
    Range,
    TensorType,
    at_least,
    last_size,
    layer,
    same_shape,
)
from netspec.declaration.output import Needs
from netspec.declaration.refusal import Refusal
from netspec.sizes import Size, product

MOST_LAYERS = 1_000  # each has parameters of its own
InputSize = Annotated[Positive, Inferred("the input's last size", last_size)]


@layer("torch.nn.LSTM", obvious="hidden_size", tuple_inputs=("h_0", "c_0"))
def lstm(
    input: TensorType,
    h_0: TensorType | None = None,
    c_0: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    num_layers: Positive = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: Probability = 0.0,
    bidirectional: bool = False,
    proj_size: Annotated[int, Range(0)] = 0,
) -> Output:
    """Long short-term memory (LSTM). Outputs: ``output``, ``h_n`` and ``c_n``.

    ``(L, N, input_size)``, or ``(N, L, input_size)`` with ``batch_first``, or one sequence
    ``(L, input_size)`` returns the same sizes with ``hidden_size`` last (doubled if
    bidirectional). ``h_n`` and ``c_n`` are ``layers * directions, N, hidden_size``, as are
    ``h_0`` and ``c_0``, which are given together or not at all; with ``proj_size`` the output,
    ``h_n`` and ``h_0`` have that size instead.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """
    if proj_size >= hidden_size:
        raise Refusal(
            f"proj_size is from 0 to below hidden_size {hidden_size}, not {proj_size}",
            argument="proj_size",
        )
    require_both("lstm", h_0, c_0)
    stack = _Stack("lstm", 4, input_size, hidden_size, num_layers, bidirectional, proj_size)
    states = {"h_0": (h_0, stack.out), "c_0": (c_0, hidden_size)}
    run = _run(stack, input, states, bias, batch_first, dropout)
    if proj_size:
        # By step: the gates, the cell, its tanh, what is projected, and the projection.
        step = 7 * hidden_size + proj_size
        kept = run.steps * (4 * stack.all * step)
    else:
        kept = _lstm_workspaces(stack, run, bias)
        kept = kept + run.batch_size * (4 * stack.all * 2 * hidden_size)
    kept = kept + run.between_layers(has_output=not proj_size)
    return Output(
        run.shape,
        parameters=stack.parameters(bias),
        needs=run.needs,
        macs=run.steps * stack.products,
        warnings=run.warnings,
        others={
            "h_n": TensorType(run.state(stack.out)),
            "c_n": TensorType(run.state(hidden_size)),
        },
        saves=run.saves if proj_size or bidirectional else (*run.saves, "output"),
        saved_bytes=kept,
        scratch=None if proj_size else (_lstm_copies(stack, run), 0),
    )


@layer("torch.nn.GRU", obvious="hidden_size")
def gru(
    input: TensorType,
    h_0: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    num_layers: Positive = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: Probability = 0.0,
    bidirectional: bool = False,
) -> Output:
    """Gated recurrent unit (GRU). Outputs: ``output`` and ``h_n``.

    ``(L, N, input_size)``, or ``(N, L, input_size)`` with ``batch_first``, or one sequence
    ``(L, input_size)`` returns the same sizes with ``hidden_size`` last (doubled if
    bidirectional). ``h_n`` is ``layers * directions, N, hidden_size``, as is ``h_0``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html
    """
    stack = _Stack("gru", 3, input_size, hidden_size, num_layers, bidirectional)
    run = _run(stack, input, {"h_0": (h_0, hidden_size)}, bias, batch_first, dropout)
    # By step: three gates, and four tensors as large as one.
    return _with_hidden(stack, run, bias, run.steps * 7)


@layer("torch.nn.RNN", obvious="hidden_size")
def rnn(
    input: TensorType,
    h_0: TensorType | None = None,
    *,
    input_size: InputSize,
    hidden_size: Positive,
    num_layers: Positive = 1,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    bias: bool = True,
    batch_first: bool = False,
    dropout: Probability = 0.0,
    bidirectional: bool = False,
) -> Output:
    """Elman RNN. Outputs: ``output`` and ``h_n``.

    ``(L, N, input_size)``, or ``(N, L, input_size)`` with ``batch_first``, or one sequence
    ``(L, input_size)`` returns the same sizes with ``hidden_size`` last (doubled if
    bidirectional). ``h_n`` is ``layers * directions, N, hidden_size``, as is ``h_0``.
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html
    """
    stack = _Stack("rnn", 1, input_size, hidden_size, num_layers, bidirectional)
    run = _run(stack, input, {"h_0": (h_0, hidden_size)}, bias, batch_first, dropout)
    return _with_hidden(stack, run, bias, run.steps + run.batch_size)


class _Stack(NamedTuple):
    """The layers, each in one or two directions."""

    name: str
    gates: int
    input_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    proj_size: int = 0

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all(self) -> int:
        """Layers times directions."""
        return self.num_layers * self.directions

    @property
    def out(self) -> int:
        """What one direction gives for each step."""
        return self.proj_size or self.hidden_size

    def input_of(self, number: int) -> int:
        """The size of what reaches a layer."""
        return self.input_size if number == 0 else self.out * self.directions

    @property
    def products(self) -> int:
        """The multiply-adds of one step of one sequence."""
        inputs = self.input_size + (self.num_layers - 1) * self.out * self.directions
        recurrent = self.num_layers * self.out
        gates = self.gates * self.hidden_size * (inputs + recurrent)
        return self.directions * (gates + self.num_layers * self.proj_size * self.hidden_size)

    def parameters(self, bias: bool) -> dict[str, tuple[int, ...]]:
        width = self.gates * self.hidden_size
        found: dict[str, tuple[int, ...]] = {}
        for number in range(self.num_layers):
            for suffix in ("", "_reverse")[: self.directions]:
                end = f"_l{number}{suffix}"
                found[f"weight_ih{end}"] = (width, self.input_of(number))
                found[f"weight_hh{end}"] = (width, self.out)
                if bias:
                    found[f"bias_ih{end}"] = found[f"bias_hh{end}"] = (width,)
                if self.proj_size:
                    found[f"weight_hr{end}"] = (self.proj_size, self.hidden_size)
        return found


class _Run(NamedTuple):
    """A stack applied to sequences."""

    stack: _Stack
    input: TensorType
    shape: tuple[Size, ...]
    batch: tuple[Size, ...]
    length: Size
    batch_first: bool
    dropout: float
    needs: Needs
    warnings: tuple[str, ...]

    @property
    def batch_size(self) -> Size:
        return product(self.batch)

    @property
    def steps(self) -> Size:
        """The steps of all sequences."""
        return product(self.input.shape[:-1])

    def state(self, size: int) -> tuple[Size, ...]:
        return (self.stack.all, *self.batch, size)

    @property
    def is_copied(self) -> bool:
        """Whether the steps have to be brought to the front by a copy."""
        return self.batch_first and self.input.rank == 3 and 1 not in self.input.shape[:2]

    @property
    def saves(self) -> tuple[str, ...]:
        return () if self.is_copied else ("input",)

    def between_layers(self, has_output: bool) -> Size:
        """The bytes of what is kept of the layers' inputs, and of their outputs if they are.

        The latter is oneDNN's way; without it each direction copies the first input itself.

        In one direction a layer's output is the next one's input, but for the dropout; in two it
        is put together first.
        """
        stack = self.stack
        width = 4 * stack.out * stack.directions
        inner = stack.num_layers - 1
        copies = inner  # of the width of all directions
        if 0 < self.dropout < 1:
            copies += inner  # the masks
        if has_output and (stack.bidirectional or self.dropout):
            copies += inner
        if has_output and stack.bidirectional:
            copies += 1
        kept = self.steps * (copies * width)
        if self.dropout == 1:
            kept = kept + 4 * inner  # one zero is the mask
        if not self.is_copied:
            return kept
        return kept + self.input.nbytes * (1 if has_output else stack.directions)


def _run(
    stack: _Stack,
    input: TensorType,
    states: dict[str, tuple[TensorType | None, int]],
    bias: bool,
    batch_first: bool,
    dropout: float,
) -> _Run:
    name = stack.name
    if input.rank not in (2, 3):
        sizes = "[N, L, E]" if batch_first else "[L, N, E]"
        raise Refusal(
            f"{name} takes {sizes} or one sequence [L, E], but its input is {input}",
            help="`flatten` makes one size of several" if input.rank > 3 else "",
        )
    input.require_weights_dtype(name)
    if stack.num_layers > MOST_LAYERS:
        raise Refusal(
            f"num_layers is {stack.num_layers}, but netspec plans at most {MOST_LAYERS} layers",
            argument="num_layers",
        )
    is_batched = input.rank == 3
    batch = (input.shape[0 if batch_first else 1],) if is_batched else ()
    length = input.shape[1 if batch_first and is_batched else 0]
    needs = at_least(length, 1, f"{name} needs a sequence, but its input is {input}")
    for which, (state, size) in states.items():
        if state is not None:
            needs += same_type(name, which, state, (stack.all, *batch, size), input)
    warnings: tuple[str, ...] = ()
    if dropout and stack.num_layers == 1:
        warnings = ("dropout is between layers, and there is one layer only",)
    shape = (*input.shape[:-1], stack.out * stack.directions)
    return _Run(stack, input, shape, batch, length, batch_first, dropout, needs, warnings)


def same_type(
    name: str, which: str, state: TensorType, shape: Sequence[Size], input: TensorType
) -> Needs:
    """What has to be true so that the state ``which`` has the shape and the weights' dtype.

    Raises:
        Refusal: it has not.
    """
    expected = TensorType(tuple(shape))
    message = f"{which} of {name} must be {expected} for the input {input}, but is {state}"
    if state.rank == expected.rank and state.dtype != expected.dtype:
        raise Refusal(f"the weights of {name} are float32, but {which} holds {state.dtype}")
    return same_shape(state.shape, expected.shape, message)


def require_both(name: str, h_0: TensorType | None, c_0: TensorType | None) -> None:
    """
    Raises:
        Refusal: one of the states is given without the other.
    """
    if (h_0 is None) != (c_0 is None):
        alone = f"h_0 {h_0}" if c_0 is None else f"c_0 {c_0}"
        raise Refusal(
            f"{name} begins with h_0 and c_0, but gets {alone} alone",
            help="give both: `from: [input, h_0, c_0]`; or none, and they are zeros",
        )


def _with_hidden(stack: _Stack, run: _Run, bias: bool, kept: Size) -> Output:
    """An output and a last hidden state; each direction keeps so many values times its size."""
    return Output(
        run.shape,
        parameters=stack.parameters(bias),
        needs=run.needs,
        macs=run.steps * stack.products,
        warnings=run.warnings,
        others={"h_n": TensorType(run.state(stack.hidden_size))},
        saves=run.saves,
        saved_bytes=kept * (4 * stack.all * stack.hidden_size)
        + run.between_layers(has_output=False),
        scratch=_of_all_steps(stack, run),
    )


def _of_all_steps(stack: _Stack, run: _Run) -> tuple[Size, Size]:
    """What layers without a kernel make at once: the gates and states of all steps."""
    gates, is_gru = stack.gates, stack.gates > 1
    widths = 2 * gates + 3 if stack.bidirectional else gates + (2 if is_gru else 1)
    if stack.num_layers > 1 and not is_gru:
        widths += stack.directions
    width = 4 * stack.hidden_size
    inside = run.steps * width + run.batch_size * (stack.all * width) if is_gru else 0
    return run.steps * (width * widths), inside


def _lstm_copies(stack: _Stack, run: _Run) -> Size:
    """What oneDNN's layers make at once beside the output: their inputs, directions and states."""
    width = 4 * stack.hidden_size * stack.directions
    outputs = (stack.num_layers > 1) + stack.bidirectional
    made = run.steps * (width * outputs) + run.batch_size * (4 * width)
    return made + run.input.nbytes if run.is_copied else made


def _lstm_workspaces(stack: _Stack, run: _Run, bias: bool) -> Size:
    """The bytes that oneDNN keeps of each layer and direction, less its rounding to pages.

    These are the gates and the hidden states of each step, and twice five tensors of one step
    more; then the last states, which are copied, and zeros as large as the weights for no bias.
    https://github.com/uxlfoundation/oneDNN/blob/main/src/cpu/rnn/rnn_utils.cpp
    """
    hidden = stack.hidden_size
    steps, further = run.steps, run.steps + run.batch_size
    kept = run.batch_size * (4 * stack.all * 2 * hidden)
    for number in range(min(stack.num_layers, 2)):
        wide = _row(max(stack.input_of(number), hidden))
        times = stack.directions * (1 if number == 0 else stack.num_layers - 1)
        kept = kept + steps * (4 * times * (_row(4 * hidden) + _row(hidden)))
        kept = kept + further * (8 * times * (3 * wide + 2 * hidden))
        if not bias:
            kept = kept + 16 * times * hidden * (stack.input_of(number) + hidden)
    return kept


def _row(values: int) -> int:
    """A row of floats as oneDNN lays it out: whole cache lines, but no multiple of 1 KiB."""
    whole = -(-values // 16) * 16
    return whole if whole % 256 else whole + 16
