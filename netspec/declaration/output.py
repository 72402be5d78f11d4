"""What a shape rule gives: the output, the parameters, the cost, and what has to be true for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from netspec.declaration.refusal import Refusal
from netspec.declaration.tensor import TensorType
from netspec.sizes import Size

Shape = tuple[Size, ...]
#: What is wrong, or a function that says it: where sizes are symbols, writing them takes a while.
Message = str | Callable[[], str]


class Need(NamedTuple):
    """Something that has to be true of symbolic sizes, decided or recorded by the planner."""

    kind: Literal["at_least", "same", "multiple_of"]
    size: Size
    other: Size
    message: Message
    argument: str | None = None


Needs = tuple[Need, ...]


def told(message: Message) -> str:
    """The message as text."""
    return message if isinstance(message, str) else message()


def at_least(size: Size, least: int, message: Message, argument: str | None = None) -> Needs:
    """``size >= least``: refused with ``message`` where it is known to be wrong."""
    if isinstance(size, int):
        if size < least:
            raise Refusal(told(message), argument=argument)
        return ()
    return (Need("at_least", size, least, message, argument),)


def same(size: Size, other: Size, message: Message, argument: str | None = None) -> Needs:
    """``size == other``: refused with ``message`` and a counterexample where it can be wrong."""
    if isinstance(size, int) and isinstance(other, int):
        if size != other:
            raise Refusal(told(message), argument=argument)
        return ()
    return (Need("same", size, other, message, argument),)


def same_shape(shape: Shape, other: Shape, message: Message) -> Needs:
    """Equal sizes, as many: refused with ``message`` where they are, or can be, others."""
    if len(shape) != len(other):
        raise Refusal(told(message))
    needs: Needs = ()
    for size, wanted in zip(shape, other, strict=True):
        needs += same(size, wanted, message)
    return needs


def multiple_of(size: Size, divisor: int, message: Message, argument: str | None = None) -> Needs:
    """``size % divisor == 0``: refused with ``message`` where it can be wrong."""
    if isinstance(size, int):
        if size % divisor:
            raise Refusal(told(message), argument=argument)
        return ()
    return (Need("multiple_of", size, divisor, message, argument),)


class Work(NamedTuple):
    """One step of a layer that computes in several: a call within its ``forward``.

    It makes a value ``output`` of ``nbytes`` from values that the layer's inputs or earlier steps
    have made, and keeps for backward those that ``saves`` names, and further ``saved_bytes``.
    ``parameters`` are those that it uses. ``scratch`` are the bytes that it makes besides, which
    are free at its end: in the forward pass and in the backward pass. ``holds`` are earlier values
    to which ``forward`` still has a name; the layer's inputs are there until its last step.

    With ``hands_on`` the gradient of the output is, in the same memory, that of the inputs. What
    is ``training_only`` gives its first input as it is in evaluation.
    """

    output: str
    inputs: tuple[str, ...]
    nbytes: Size
    saves: tuple[str, ...] = ()
    saved_bytes: Size = 0
    parameters: tuple[str, ...] = ()
    scratch: tuple[Size, Size] = (0, 0)
    holds: tuple[str, ...] = ()
    hands_on: bool = False
    training_only: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What a layer makes of its inputs.

    A layer that gives several tensors names the first in ``name`` and the further ones, with
    their types, in ``others``, as torch's documentation names them (``h_n``).

    ``macs`` are multiply-adds as ``torch.utils.flop_counter`` counts them (two FLOPs each):
    products in convolutions, linear layers and attention; no bias, no normalisation. Without
    ``is_counted`` they are not known, and what is planned of them is a lower bound.
    ``dtype`` None is the input's. ``parameters`` and ``buffers`` are named as in ``state_dict``.

    What autograd keeps for the backward pass in training: ``saves`` names those of the layer's
    own inputs and outputs, ``saved_bytes`` are further tensors (masks, indices, statistics), and
    parameters and buffers are not counted. ``is_view`` says that the output shares the memory of
    the first input. https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors

    ``scratch`` are the most bytes that the layer makes besides and frees at its end, in a forward
    and in a backward pass; None where nobody has counted them. A layer that computes in steps has
    them in ``work``, whose last step makes the output. Both are for estimates of memory.
    """

    shape: Shape
    dtype: str | None = None
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    buffers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    macs: Size = 0
    needs: Needs = ()
    warnings: tuple[str, ...] = ()
    name: str = "output"
    others: Mapping[str, TensorType] = field(default_factory=dict)
    saves: tuple[str, ...] = ()
    saved_bytes: Size = 0
    is_view: bool = False
    is_counted: bool = True
    scratch: tuple[Size, Size] | None = None
    work: tuple[Work, ...] = ()
