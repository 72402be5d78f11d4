"""The bytes that a whole model saves for backward: its values followed through the wiring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from netspec.declaration import TensorType
from netspec.graph import Application, Interpreter, Node, Operation
from netspec.operators import Operator
from netspec.planning.merging import merge
from netspec.planning.plan import Plan, SavedForBackward
from netspec.sizes import Size


def saved_for_backward(plan: Plan) -> SavedForBackward:
    """What autograd saves in one forward pass in training, on one device.

    The model's inputs need no gradient and all parameters do; auxiliary outputs are given.
    """
    walk = SavedTensors()
    walk.run(plan.graph, [Storage(given.type, False) for given in plan.inputs])
    sizes = {key: walk.size(key) for key in dict.fromkeys((*walk.layers, *walk.merges))}
    total: Size = 0
    # Equal sizes are added once: a thousand additions of expressions would take a while.
    for key, times in Counter((*walk.layers, *walk.merges)).items():
        total = total + sizes[key] * times
    return SavedForBackward(tuple([sizes[key] for key in walk.layers]), total)


class Storage:
    """The memory of a value, and of all that are views of it. Autograd keeps it whole.

    The ``type`` is that of the value it was made for. It counts once, and never where it is a
    parameter's, which is there anyway.
    """

    __slots__ = ("is_counted", "requires_grad", "type")

    def __init__(self, type: TensorType, requires_grad: bool, is_counted: bool = False) -> None:
        self.type = type
        self.requires_grad = requires_grad
        self.is_counted = is_counted


class _Saved(NamedTuple):
    """What one call or merge adds, by the ids of types, and of an application with more bytes.

    It is a key, since ids are quick to compare and expressions are not.
    """

    types: tuple[int, ...] = ()
    application: int = 0


_NOTHING = _Saved()


class _Call(NamedTuple):
    """What comes of a layer's call with one input: its input counts now, and it makes outputs.

    An output is what a storage is made with, or None where it is the input.
    """

    saved: _Saved
    is_counted: bool
    outputs: tuple[tuple[TensorType, bool, bool] | None, ...]


class SavedTensors(Interpreter[Storage]):
    """Follows a forward pass on storages; ``layers`` is in the order of the plan's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[_Saved] = []
        self.merges: list[_Saved] = []
        # By their ids, which stay theirs as long as they are here.
        self._types: dict[int, TensorType] = {}
        self._applications: dict[int, Application] = {}
        self._calls: dict[tuple[int, bool, bool], _Call] = {}

    def size(self, saved: _Saved) -> Size:
        total: Size = 0
        if saved.application:
            total = self._applications[saved.application].saved_bytes
        for type in saved.types:
            total = total + self._types[type].nbytes
        return total

    def call_layer(self, node: Node, given: list[Storage]) -> list[Storage]:
        application = node.application
        if len(given) > 1:
            return self.layer(application, given)
        # Most layers of a long chain are called as an equal one was before.
        source = given[0]
        key = (id(application), source.requires_grad, source.is_counted)
        call = self._calls.get(key)
        if call is not None:
            saved, source.is_counted, made = call
            self.layers.append(saved)
            return [source if output is None else Storage(*output) for output in made]
        outputs = self.layer(application, given)
        states = [
            None if output is source else (output.type, output.requires_grad, output.is_counted)
            for output in outputs
        ]
        self._calls[key] = _Call(self.layers[-1], source.is_counted, tuple(states))
        return outputs

    def layer(self, application: Application, given: list[Storage]) -> list[Storage]:
        needed = bool(application.parameters) or _requires_grad(given)
        outputs = [
            Storage(type, needed and _is_differentiable(type)) for type in application.outputs
        ]
        if application.is_view:
            outputs[0] = given[0]
        saved = _NOTHING
        if needed and _requires_grad(outputs):
            names = (*application.input_names, *application.output_names)
            values = given + outputs
            kept = [values[names.index(name)] for name in application.saves]
            key = 0
            if application.saved_bytes != 0:
                key = id(application)
                self._applications[key] = application
            saved = _Saved(self.counted(kept), key)
        self.layers.append(saved)
        return outputs

    def counted(self, storages: Sequence[Storage]) -> tuple[int, ...]:
        """The types of the storages that are counted now, and not before."""
        types = []
        for storage in storages:
            if not storage.is_counted:
                storage.is_counted = True
                self._types[id(storage.type)] = storage.type
                types.append(id(storage.type))
        return tuple(types)

    def get_parameter(self, node: Node) -> Storage:
        return Storage(node.types[0], True, is_counted=True)

    def call_function(self, node: Node, given: list[Storage]) -> list[Storage]:
        """https://docs.pytorch.org/docs/stable/notes/autograd.html#saved-tensors"""
        operation = node.operation
        operator, types = operation.operator, operation.outputs
        if operator.call == "cut":  # the parts are views
            return given * len(types)
        if operator.gradient_needs:
            return [self.folded(operator, operation, given)]
        return [Storage(types[0], _requires_grad(given))]

    def folded(self, operator: Operator, operation: Operation, given: list[Storage]) -> Storage:
        """Values are merged one by one, and the results in between are saved too."""
        result = given[0]
        for place, other in enumerate(given[1:], 1):
            pair = (result, other)
            saved = _laid_out(operation, *pair) if operator.saves_matrices else pair
            places = {
                at
                for value, needed in zip(pair, operator.gradient_needs, strict=True)
                if value.requires_grad
                for at in needed
            }
            self.merges.append(_Saved(self.counted([saved[at] for at in sorted(places)])))
            type = merge(operator, operation.inputs[: place + 1]).type
            result = Storage(type, result.requires_grad or other.requires_grad)
        return result


def _requires_grad(values: Sequence[Storage]) -> bool:
    return any(value.requires_grad for value in values)


def _is_differentiable(type: TensorType) -> bool:
    return type.is_floating or type.dtype.startswith("complex")


def _laid_out(operation: Operation, first: Storage, other: Storage) -> tuple[Storage, Storage]:
    """The factors of a matmul as torch saves them, which copies some.

    One matrix times several is computed the other way round, as rows of one matrix, where the
    one needs a gradient (``torch._decomp.decompositions.should_fold``); else what is stretched
    over two dims or more is written out.
    """
    one, many = operation.inputs
    if first.requires_grad and _is_one_matrix(one, many):
        return first, Storage(many, other.requires_grad)
    batch = operation.outputs[0].shape[:-2]
    return _stretched(first, one, batch), _stretched(other, many, batch)


def _is_one_matrix(type: TensorType, other: TensorType) -> bool:
    if type.rank == other.rank == 3:
        return type.shape[0] == 1 and other.shape[0] != 1
    return type.rank == 2 < other.rank


def _stretched(factor: Storage, type: TensorType, batch: tuple[Size, ...]) -> Storage:
    own = type.shape[:-2]
    if len(batch) < 2 or own == batch or all(size == 1 for size in own):
        return factor
    return Storage(TensorType((*batch, *type.shape[-2:]), type.dtype), factor.requires_grad)
