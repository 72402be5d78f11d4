"""A module on the meta device: what it gives for inputs that have sizes and no values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.declaration import FromClass, TensorType
from netspec.diagnostics.failure import failure
from netspec.probing.question import Point, Question
from netspec.probing.refusals import NotProbed, RefusedByTorch
from netspec.threads import is_alone

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


class Trained(NamedTuple):
    """A run in training: its outputs, and what autograd keeps of it for the backward pass.

    ``saves`` are the places of inputs, and after them of outputs, that are kept; ``saved_bytes``
    are further tensors, but for the module's own. ``is_view`` says that the first output shares
    the first input's memory.
    """

    outputs: tuple[TensorType, ...]
    saves: tuple[int, ...]
    saved_bytes: int
    is_view: bool


class Run(NamedTuple):
    """The outputs for one input, and the multiply-adds; what torch says, if not in training.

    ``macs`` are -1 where torch's counter does not know an operator.
    """

    outputs: tuple[TensorType, ...]
    macs: int
    trained: Trained | str

    @property
    def form(self) -> tuple[tuple[int, str], ...]:
        """What must not depend on the sizes: the number of outputs, their ranks and dtypes."""
        return tuple((output.rank, output.dtype) for output in self.outputs)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those of all outputs in a row."""
        return tuple(int(str(size)) for output in self.outputs for size in output.shape)

    @property
    def numbers(self) -> tuple[int, ...]:
        """All sizes in a row, then the multiply-adds, then the saved bytes (-1 for unknown)."""
        saved = -1 if isinstance(self.trained, str) else self.trained.saved_bytes
        return (*self.sizes, self.macs, saved)


#: The namespaces of operators of which torch's counter knows all that multiply matrices.
TORCHS_OWN = frozenset({"aten", "prim", "prims", "inductor", "_c10d_functional"})


class Counter(FlopCounterMode):
    """Counts without telling modules apart: for that torch has hooks of the whole process.

    They would be called in other threads, and stay where a run hangs.
    """

    def __init__(self) -> None:
        super().__init__(display=False)
        self.mod_tracker = Nowhere()  # type: ignore[assignment]
        #: Whether an operator ran of which torch's counter does not know what it multiplies.
        self.is_blind = False

    def _count_flops(self, func_packet: Any, out: Any, args: Any, kwargs: Any) -> Any:
        namespace = str(func_packet).partition(".")[0]
        if namespace not in TORCHS_OWN and func_packet not in self.flop_registry:
            self.is_blind = True
        return super()._count_flops(func_packet, out, args, kwargs)  # type: ignore[no-untyped-call]


class Nowhere:
    """Stands for torch's ModuleTracker: all is of the whole."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None: ...

    def __exit__(self, *problem: object) -> None: ...


class Runner:
    """Runs one module, and remembers what it gave.

    Raises:
        NotProbed: the module cannot be made.
    """

    def __init__(self, asked: Question) -> None:
        self.asked = asked
        self.module = made_on_meta(asked.layer, dict(asked.arguments))
        self._runs: dict[Point, Run | str] = {}

    def at(self, point: Point) -> Run | str:
        """The run for an input; what torch says, where it refuses.

        Raises:
            NotProbed: a step needs the values of a tensor, or it gives something else.
        """
        known = self._runs.get(point)
        if known is None:
            known = self._runs[point] = self._run(point)
        return known

    def _run(self, point: Point) -> Run | str:
        inputs = self.asked.at(point)
        with quiet(), torch.device("meta"):
            counter = Counter()
            with counter:
                outputs = self._outputs(_empty(inputs), training=False)
            if isinstance(outputs, str):
                return outputs
            trained = self._trained(_empty(inputs))
        if not outputs:
            raise NotProbed("its forward gives no tensor")
        macs = -1 if counter.is_blind else counter.get_total_flops() // 2
        return Run(_types(outputs), macs, trained)

    def _trained(self, inputs: list[Tensor]) -> Trained | str:
        with torch.enable_grad():
            given = [one.requires_grad_() * 1 if one.is_floating_point() else one for one in inputs]
            own = {_storage(one) for one in (*self.module.parameters(), *self.module.buffers())}
            kept: dict[int, Tensor] = {}  # alive, so that no address comes twice

            def keep(tensor: Tensor) -> Tensor:
                kept.setdefault(_storage(tensor), tensor.detach())
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
                outputs = self._outputs(given, training=True)
        if isinstance(outputs, str):
            return outputs
        places = {_storage(one): place for place, one in reversed([*enumerate(given + outputs)])}
        if not any(output.requires_grad for output in outputs):
            kept = {}
        saves = sorted({places[one] for one in kept if one in places})
        further = [kept[one] for one in kept if one not in places and one not in own]
        nbytes = sum(one.untyped_storage().nbytes() for one in further)
        is_view = bool(outputs) and _storage(outputs[0]) == _storage(given[0])
        return Trained(_types(outputs), tuple(saves), nbytes, is_view)

    def _outputs(self, given: list[Tensor], *, training: bool) -> list[Tensor] | str:
        self.module.train(training)
        try:
            return list(tensors(called(self.module, given, self.asked.keywords)))
        except NotProbed:
            raise
        except Exception as problem:
            message = failure(problem)
            if needs_values(problem):
                raise NotProbed(
                    "what it does depends on the values of a tensor, and not only on sizes "
                    f"({message.partition('. ')[0]})"
                ) from problem
            return message

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
    """No gradients and, unless other threads run, no warnings and random numbers as they were."""
    if not is_alone():
        with torch.no_grad():
            yield
        return
    state = torch.get_rng_state()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_rng_state(state)


def made_on_meta(layer: FromClass, arguments: Mapping[str, object]) -> nn.Module:
    """
    Raises:
        NotProbed: the class refuses the arguments, or makes something else.
    """
    made, target = layer.constructor(), layer.target
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
            raise RefusedByTorch(f"{target} cannot be made: {failure(problem)}") from problem
    if not isinstance(module, nn.Module):
        raise NotProbed(f"{target} makes a {type(module).__name__}, not an nn.Module")
    return module


def called(module: nn.Module, given: list[Tensor], keywords: tuple[str, ...]) -> Any:
    first = len(given) - len(keywords)
    return module(*given[:first], **dict(zip(keywords, given[first:], strict=True)))


def needs_values(problem: BaseException) -> bool:
    text = failure(problem)
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


def _empty(types: Sequence[TensorType]) -> list[Tensor]:
    return [
        torch.empty([int(str(size)) for size in type.shape], dtype=getattr(torch, type.dtype))
        for type in types
    ]


def _types(outputs: Sequence[Tensor]) -> tuple[TensorType, ...]:
    return tuple(
        TensorType(tuple(output.shape), str(output.dtype).removeprefix("torch."))
        for output in outputs
    )


def _storage(tensor: Tensor) -> int:
    """What tells memory apart on meta, where all addresses are 0."""
    return int(tensor.untyped_storage()._cdata)
