"""A module on the meta device: what it gives for inputs that have sizes and no values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.declaration import TensorType, imported
from netspec.probing.question import Point, Question
from netspec.probing.refusals import NotProbed, RefusedByTorch
from netspec.registry.apart import told

Shapes = dict[str, tuple[int, ...]]
#: What torch says where a step needs the values of a tensor, which meta has not.
_NEEDS_VALUES = (
    "cannot be called on meta tensors",
    "Cannot copy out of meta tensor",
    "with Meta tensors",
    "data-independent implementation",
    "can't convert meta device",
    "meta tensors is not supported",
    "GuardOnDataDependentSymNode",
)


class Run(NamedTuple):
    """The outputs for one input, and the multiply-adds."""

    outputs: tuple[TensorType, ...]
    macs: int

    @property
    def form(self) -> tuple[tuple[int, str], ...]:
        """What must not depend on the sizes: the number of outputs, their ranks and dtypes."""
        return tuple((output.rank, output.dtype) for output in self.outputs)

    @property
    def numbers(self) -> tuple[int, ...]:
        """All sizes in a row, then the multiply-adds."""
        return (*(int(str(size)) for output in self.outputs for size in output.shape), self.macs)


class Runner:
    """Runs one module, and remembers what it gave.

    Raises:
        NotProbed: the module cannot be made.
    """

    def __init__(self, asked: Question) -> None:
        self.asked = asked
        self.module = made_on_meta(asked.target, dict(asked.arguments))
        self._runs: dict[tuple[Point, bool], Run | str] = {}

    def at(self, point: Point, *, training: bool = False) -> Run | str:
        """The outputs; what torch says, where it refuses.

        Raises:
            NotProbed: a step needs the values of a tensor, or it gives something else.
        """
        known = self._runs.get((point, training))
        if known is None:
            known = self._runs[point, training] = self._run(point, training)
        return known

    def _run(self, point: Point, training: bool) -> Run | str:
        counter = FlopCounterMode(display=False)
        self.module.train(training)
        with quiet(), torch.device("meta"), counter:
            given = [
                torch.empty([int(str(size)) for size in type.shape], dtype=_torch_dtype(type))
                for type in self.asked.at(point)
            ]
            try:
                result = called(self.module, given, self.asked.keywords)
            except Exception as problem:
                message = told(problem)
                if needs_values(problem):
                    raise NotProbed(
                        "what it does depends on the values of a tensor, and not only on sizes "
                        f"({message})"
                    ) from problem
                return message
        outputs = tuple(
            TensorType(tuple(output.shape), str(output.dtype).removeprefix("torch."))
            for output in tensors(result)
        )
        if not outputs:
            raise NotProbed("its forward gives no tensor")
        return Run(outputs, counter.get_total_flops() // 2)

    def state(self) -> tuple[Shapes, Shapes]:
        """Parameters and buffers, as in ``state_dict``."""
        return state_of(self.module)


def state_of(module: nn.Module) -> tuple[Shapes, Shapes]:
    """Parameters and buffers with their shapes, as in ``state_dict``."""
    state = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    names = {key for key, _ in module.named_parameters(remove_duplicate=False)}
    parameters = {key: shape for key, shape in state.items() if key in names}
    return parameters, {key: shape for key, shape in state.items() if key not in names}


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings, no gradients, and the random numbers of the program as they were."""
    state = torch.get_rng_state()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_rng_state(state)


def made_on_meta(target: str, arguments: Mapping[str, object]) -> nn.Module:
    """
    Raises:
        NotProbed: the class refuses the arguments, or makes something else.
    """
    made: Callable[..., Any] = imported(target)
    with quiet():
        try:
            try:
                with torch.device("meta"):
                    module = made(**arguments)
            except Exception as problem:
                if not needs_values(problem):
                    raise
                module = made(**arguments).to("meta")  # its constructor computes with values
        except Exception as problem:
            raise RefusedByTorch(f"{target} cannot be made: {told(problem)}") from problem
    if not isinstance(module, nn.Module):
        raise NotProbed(f"{target} makes a {type(module).__name__}, not an nn.Module")
    return module


def called(module: nn.Module, given: list[Tensor], keywords: tuple[str, ...]) -> Any:
    first = len(given) - len(keywords)
    return module(*given[:first], **dict(zip(keywords, given[first:], strict=True)))


def needs_values(problem: BaseException) -> bool:
    text = told(problem)
    return any(words in text for words in _NEEDS_VALUES)


def tensors(result: Any) -> Iterator[Tensor]:
    """Those of nested tuples, lists and dicts, in their order."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping):
        for part in result.values():
            yield from tensors(part)
    elif isinstance(result, tuple | list):
        for part in result:
            yield from tensors(part)
    elif result is not None:
        raise NotProbed(f"its forward gives a {type(result).__name__}, not tensors")


def _torch_dtype(type: TensorType) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, type.dtype)
    return dtype
