"""What torch does with a layer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.building.flow import called
from netspec.declaration import LayerType, TensorType
from netspec.spec import Value

Shapes = dict[str, tuple[int, ...]]


class Observed(NamedTuple):
    """What a layer gives, its state as in ``state_dict``, and its FLOPs (on meta).

    ``changed`` are the places of inputs that it wrote into.
    """

    outputs: tuple[TensorType, ...]
    parameters: Shapes
    buffers: Shapes
    flops: int | None
    changed: tuple[int, ...] = ()


class TorchRefusal(NamedTuple):
    """The error that torch raised, at construction or in the forward pass."""

    message: str


def observe(
    layer: LayerType,
    arguments: Mapping[str, Value],
    inputs: tuple[TensorType, ...],
    device: str,
) -> Observed | TorchRefusal:
    """Makes the layer on a device and runs it in eval mode, without gradients."""
    counter = FlopCounterMode(display=False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            module = made(layer, arguments, device).eval()
            given = [zeros(input, device) for input in inputs]
            if device == "meta":
                with counter:
                    outputs = call(layer, module, given)
            else:
                outputs = call(layer, module, given)
        except Exception as problem:
            return TorchRefusal(f"{type(problem).__name__}: {problem}")
    state = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    parameters = {key for key, _ in module.named_parameters()}
    return Observed(
        tuple([TensorType(tuple(output.shape), _dtype(output)) for output in outputs]),
        {key: shape for key, shape in state.items() if key in parameters},
        {key: shape for key, shape in state.items() if key not in parameters},
        counter.get_total_flops() if device == "meta" else None,
        tuple([at for at, tensor in enumerate(given) if tensor._version]),
    )


def saved_bytes(
    layer: LayerType, arguments: Mapping[str, Value], inputs: tuple[TensorType, ...]
) -> int | None:
    """The bytes that autograd keeps for the backward pass of a layer in training, on the cpu.

    Each storage is counted once; parameters and buffers are not counted. None where torch refuses,
    or where no gradient flows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = made(layer, arguments, "cpu").train()
            given = [zeros(input, "cpu") for input in inputs]
            given = [
                t.requires_grad_() * 1 if t.is_floating_point() and not _is_mask(layer, at) else t
                for at, t in enumerate(given)
            ]
            with SavedStorages(module) as saved:
                outputs = call(layer, module, given)
        except Exception:
            return None
    return saved.nbytes if any(output.requires_grad for output in outputs) else None


def _is_mask(layer: LayerType, place: int) -> bool:
    """Whether the input is a mask, which nobody trains."""
    return layer.inputs[place].endswith("mask")


class SavedStorages:
    """Counts what autograd saves in a ``with`` block, less the state of a module."""

    def __init__(self, module: nn.Module) -> None:
        self._state = {
            value.untyped_storage().data_ptr()
            for value in (*module.parameters(), *module.buffers())
        }
        self._kept: list[Tensor] = []  # alive, so that no address comes twice
        self._sizes: dict[int, int] = {}
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda kept: kept)

    @property
    def nbytes(self) -> int:
        return sum(self._sizes.values())

    def __enter__(self) -> SavedStorages:
        self._hooks.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._hooks.__exit__(*problem)

    def _keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._state:
            self._kept.append(tensor.detach())
            self._sizes[storage.data_ptr()] = storage.nbytes()
        return tensor


def made(layer: LayerType, arguments: Mapping[str, Value], device: str) -> nn.Module:
    """The layer's module, as ``build`` makes it."""
    with torch.device(device):
        result: nn.Module = layer.constructor()(**arguments)
    return result


def zeros(type: TensorType, device: str) -> Tensor:
    """A tensor of a type without symbols."""
    sizes = [int(str(size)) for size in type.shape]
    return torch.zeros(sizes, dtype=getattr(torch, type.dtype), device=device)


def call(layer: LayerType, module: nn.Module, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The tensors that the layer gives, in the order of its outputs."""
    keywords = layer.keyword_inputs[: max(len(inputs) - layer.required_inputs, 0)]
    result = called(module, list(inputs), layer.tuple_from(len(inputs)), keywords)
    return tuple(_flat(result))


def _flat(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif output is not None:
        for part in output:
            yield from _flat(part)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
