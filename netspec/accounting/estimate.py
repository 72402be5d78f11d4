"""From a layout to what each rank holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from netspec.accounting.activations import activations, checkpointed
from netspec.accounting.choices import Choices
from netspec.accounting.communication import communication
from netspec.accounting.kinds import Pipeline, kinds_of_ranks, pipeline_of
from netspec.accounting.memory import DeviceMemory, Memory, RankMemory
from netspec.accounting.optimizers import OPTIMIZERS
from netspec.accounting.shards import Held, Tensor, part, tensors
from netspec.accounting.trace import Trace, trace
from netspec.placement.layout import Layout


def estimate(layout: Layout, choices: Choices) -> Memory:
    """What each rank of a layout holds."""
    held = tuple(tensors(layout))
    pipeline = pipeline_of(layout)
    forward = trace(layout.plan, checkpointed(layout))
    groups: dict[tuple[DeviceMemory, ...], list[range]] = {}
    for places, ranges in kinds_of_ranks(layout, held, pipeline).items():
        devices = _devices_of(layout, held, dict(places), choices, pipeline, forward)
        groups.setdefault(devices, []).extend(ranges)
    ranks = [RankMemory(_joined(ranges), devices) for devices, ranges in groups.items()]
    return Memory(
        tuple(sorted(ranks, key=lambda one: one.ranks[0].start)),
        dict(choices.sizes or {}),
        choices.dtype,
        choices.optimizer if choices.is_training else None,
        choices.is_training,
        dict(layout.mesh.axes),
        layout.plan.total_params,
        layout.notes,
    )


def _joined(ranges: list[range]) -> tuple[range, ...]:
    found: list[range] = []
    for one in sorted(ranges, key=lambda one: one.start):
        if found and found[-1].stop == one.start:
            found[-1] = range(found[-1].start, one.stop)
        else:
            found.append(one)
    return tuple(found)


class _State:
    """The bytes on one device beside the activations."""

    def __init__(self) -> None:
        self.parameters = 0
        self.buffers = 0
        self.gradients = 0
        self.updated: list[tuple[int, int]] = []  # numbers of values, and their itemsize


def _devices_of(
    layout: Layout,
    held: tuple[Tensor, ...],
    places: Mapping[str, int],
    choices: Choices,
    pipeline: Pipeline | None,
    forward: Trace,
) -> tuple[DeviceMemory, ...]:
    """What one rank holds on each device, from its places on the axes of the mesh."""
    of_containers = {own.path: own.device for own in layout.plan.parameters}
    planned = {row.path: row.device for row in layout.plan.layers} | of_containers

    def device_of(path: str) -> str:
        return layout.placed(path).device or planned.get(path) or choices.device

    def is_mine(path: str) -> bool:
        if pipeline is None:
            return True
        return layout.placed(path).stage % pipeline.ranks == places[pipeline.axis]

    states: defaultdict[str, _State] = defaultdict(_State)
    parts: dict[str, Held] = {}
    for tensor in held:
        if not is_mine(tensor.path):
            continue
        where = tensor.key if tensor.key in of_containers else tensor.path
        state = states[layout.placed(tensor.path).kept_on or device_of(where)]
        size = tensor.itemsize(choices.dtype)
        own = part(tensor, layout.mesh.axes, places)
        if tensor.is_buffer:
            state.buffers += own.numel * size
            continue
        parts[tensor.key] = Held(tensor, own, size)
        state.parameters += own.padded * size
        if not tensor.is_trained:
            continue
        state.updated.append((own.numel, size))
        if choices.is_training:
            state.gradients += own.padded * size
    usage = activations(layout, forward, choices, pipeline, places, is_mine, device_of, parts)
    sent = communication(layout, parts.values(), choices.is_training)
    found = []
    for device in dict.fromkeys((*states, *usage.peak)):
        state = states[device]
        state_bytes, in_step = _optimizer(state, device, choices)
        shared = sent if device == choices.device else 0
        of_step = state.gradients + usage.held[device] + in_step
        peak = max(usage.peak[device] + shared, of_step if choices.is_training else 0)
        found.append(
            DeviceMemory(
                device,
                state.parameters,
                state.gradients,
                state_bytes,
                state.buffers,
                usage.saved[device],
                shared,
                state.parameters + state.buffers + state_bytes + peak,
            )
        )
    return tuple(found)


def _optimizer(state: _State, device: str, choices: Choices) -> tuple[int, int]:
    """The bytes of the optimizer's state, and the most that a step of it makes besides."""
    if choices.optimizer is None or not choices.is_training:
        return 0, 0
    chosen = OPTIMIZERS[choices.optimizer]
    foreach = choices.foreach
    lists = not device.startswith("cpu") if foreach is None else foreach
    return chosen.state(state.updated), chosen.in_step(state.updated, lists)
