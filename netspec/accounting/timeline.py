"""A training step in time: what is there at once, on each device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netspec.accounting.trace import Step, Trace
from netspec.planning.costs import Storage

Key = tuple[int, str]  # a storage, or its copy, on a device


@dataclass(frozen=True)
class Bytes:
    """What the walk through time asks of a rank.

    ``of`` are the bytes of a storage, ``kept`` the storages that an operation keeps for backward,
    and ``saved`` the bytes that it keeps besides. ``scratch`` are those that it makes and frees in
    the forward and the backward pass, None where that is not known. ``gradient`` are those of a
    parameter's gradient, and ``device`` is where an operation is computed.
    """

    of: Callable[[Storage], int]
    kept: Callable[[Step], Sequence[Storage]]
    saved: Callable[[Step], int]
    scratch: Callable[[Step], tuple[int, int] | None]
    gradient: Callable[[str], int]
    device: Callable[[str], str]


@dataclass
class Usage:
    """Bytes by device: ``saved`` after the forward pass, ``peak`` of all but what stays.

    ``held`` is what remains when the backward pass is done, without gradients.
    """

    saved: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)


def run(trace: Trace, ask: Bytes, is_training: bool) -> Usage:
    """One step, or one forward pass without gradients."""
    walk = _Step(trace, ask)
    walk.forward(is_training)
    if is_training:
        walk.backward()
    return walk.usage


class _Gradient:
    """The memory of a gradient, which several values may have."""

    __slots__ = ("device", "nbytes", "owners")

    def __init__(self, nbytes: int, device: str) -> None:
        self.nbytes = nbytes
        self.device = device
        self.owners = 0


class _Step:
    def __init__(self, trace: Trace, ask: Bytes) -> None:
        self.trace = trace
        self.ask = ask
        self.usage = Usage()
        self.live: Counter[str] = Counter()
        self.holders: Counter[Key] = Counter()
        self.sizes: dict[Key, int] = {}
        self.homes: dict[int, str] = {}
        self.gradients: dict[int, _Gradient] = {}
        self.has_gradient: set[str] = set()
        self.groups: dict[tuple[str, int], list[Step]] = {}
        for operation in trace.operations:
            if operation.group is not None:
                self.groups.setdefault(operation.group, []).append(operation)

    def add(self, device: str, nbytes: int) -> None:
        self.live[device] += nbytes
        if self.live[device] > self.usage.peak[device]:
            self.usage.peak[device] = self.live[device]

    def hold(self, storage: Storage, device: str) -> Key:
        """One more reason to keep a storage, or its copy on another device."""
        key = (id(storage), device)
        if not self.holders[key]:
            self.sizes[key] = 0 if storage.is_counted else self.ask.of(storage)
            self.add(device, self.sizes[key])
        self.holders[key] += 1
        return key

    def drop(self, key: Key) -> None:
        self.holders[key] -= 1
        if not self.holders[key]:
            del self.holders[key]
            self.live[key[1]] -= self.sizes[key]

    def forward(self, is_training: bool) -> None:
        operations = self.trace.operations
        last_use: dict[int, int] = {}
        for number, operation in enumerate(operations):
            for storage in (*operation.inputs, *operation.outputs):
                last_use[id(storage)] = number
        places = {id(operation): number for number, operation in enumerate(operations)}
        for storage, operation in self.trace.holds:
            if id(storage) in last_use and id(operation) in places:
                last_use[id(storage)] = max(last_use[id(storage)], places[id(operation)])
        for storage in (*self.trace.inputs, *self.trace.outputs):
            last_use[id(storage)] = len(operations)  # whoever called it holds them
        ends: dict[int, list[Key]] = {}
        first = self.ask.device(operations[0].path) if operations else ""
        for storage in self.trace.inputs:
            self._begin(storage, first, last_use, ends)
        for number, operation in enumerate(operations):
            device = self.ask.device(operation.path)
            copies = [
                self.hold(storage, device)
                for storage in operation.inputs
                if self.homes.get(id(storage), device) != device
            ]
            for storage in operation.outputs:
                if id(storage) not in self.homes:
                    self._begin(storage, device, last_use, ends)
            temporary = self._scratch(operation)[0]
            self.add(device, temporary)
            self.live[device] -= temporary
            if is_training:
                self._keep(operation, device)
            for key in (*copies, *ends.pop(number, ())):
                self.drop(key)
        self.usage.saved.update(self.live)
        for key in ends.get(len(operations), ()):
            self.usage.held[key[1]] += self.sizes[key]
            if self.holders[key] == 1:  # an input or output that autograd does not keep
                self.usage.saved[key[1]] -= self.sizes[key]

    def _begin(
        self, storage: Storage, device: str, last_use: Mapping[int, int], ends: dict[int, list[Key]]
    ) -> None:
        self.homes[id(storage)] = device
        ends.setdefault(last_use[id(storage)], []).append(self.hold(storage, device))

    def _keep(self, operation: Step, device: str) -> None:
        """What stays for the backward pass of an operation, or of the module around it."""
        if operation.group is None:
            self._save(operation, device)
        elif operation is self.groups[operation.group][0]:
            for storage in self.trace.group_inputs[operation.group]:
                self.hold(storage, device)

    def _save(self, operation: Step, device: str) -> None:
        for storage in self.ask.kept(operation):
            self.hold(storage, device)
        self.add(device, self.ask.saved(operation))

    def _forget(self, operation: Step, device: str) -> None:
        for storage in self.ask.kept(operation):
            self.drop((id(storage), device))
        self.live[device] -= self.ask.saved(operation)

    def backward(self) -> None:
        """From the gradients of the outputs to those of the parameters."""
        for storage in self.trace.outputs:
            if storage.requires_grad and id(storage) not in self.gradients:
                self._give(storage, self._new(storage, self.homes[id(storage)]))
        recomputed: set[tuple[str, int]] = set()
        for operation in reversed(self.trace.operations):
            device = self.ask.device(operation.path)
            group = operation.group
            if group is not None and group not in recomputed:
                recomputed.add(group)
                for inner in self.groups[group]:
                    self._save(inner, self.ask.device(inner.path))
            self._backward(operation, device)
            self._forget(operation, device)
            if group is not None and operation is self.groups[group][0]:
                for storage in self.trace.group_inputs[group]:
                    self.drop((id(storage), device))

    def _backward(self, operation: Step, device: str) -> None:
        outer = [
            self.gradients.pop(id(storage))
            for storage in _distinct(operation.outputs)
            if id(storage) in self.gradients
        ]
        if outer:
            contributions = [
                (storage, outer[0] if operation.hands_on else self._new(storage, device))
                for storage in operation.inputs
                if storage.requires_grad and not storage.is_counted
            ]
            passing = self._scratch(operation)[1]
            self.add(device, passing)
            for key in operation.parameters:
                nbytes = self.ask.gradient(key)
                self.add(device, nbytes)
                if key in self.has_gradient:  # it is added to the one that is there
                    passing += nbytes
                self.has_gradient.add(key)
            self.live[device] -= passing
            for storage, gradient in contributions:
                self._give(storage, gradient)
        for gradient in outer:
            self._release(gradient)

    def _scratch(self, operation: Step) -> tuple[int, int]:
        """The bytes that an operation makes and frees, in the forward and the backward pass.

        A layer that keeps much and does not say it computes in steps, as far as can be told: with
        gradients inside of some half of what it keeps.
        """
        counted = self.ask.scratch(operation)
        if counted is not None:
            return counted
        kept = self.ask.saved(operation)
        return 0, kept // 2 if kept > sum(map(self.ask.of, operation.inputs)) else 0

    def _new(self, storage: Storage, device: str) -> _Gradient:
        gradient = _Gradient(self.ask.of(storage), device)
        self.add(device, gradient.nbytes)
        return gradient

    def _give(self, storage: Storage, gradient: _Gradient) -> None:
        """Adds a gradient to that of a value: in its memory, unless another has it, too."""
        before = self.gradients.get(id(storage))
        if before is None:
            gradient.owners += 1
            self.gradients[id(storage)] = gradient
            return
        if before.owners > 1:
            total = self._new(storage, before.device)
            total.owners = 1
            self.gradients[id(storage)] = total
            before.owners -= 1
        if not gradient.owners:
            self.live[gradient.device] -= gradient.nbytes

    def _release(self, gradient: _Gradient) -> None:
        gradient.owners -= 1
        if gradient.owners == 0:
            self.live[gradient.device] -= gradient.nbytes


def _distinct(storages: Iterable[Storage]) -> list[Storage]:
    return list({id(storage): storage for storage in storages}.values())
