"""The container of a scope whose wiring is more than its children in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from netspec.graph import Application, Graph, Node, Operation, Results
from netspec.operators import OPERATORS

Values = list[Any]
#: What a step does beside an operator, whose word is its kind.
CALL = "call"
PARAMETER = "parameter"
#: What computes each operator.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    word: resolve_name(operator.function) for word, operator in OPERATORS.items()
}


class FlowStep(NamedTuple):
    """One step: what it does, and the values that it reads, gives, and that nobody reads later.

    ``child`` is the name of a child or of a parameter, ``form`` how an operator's function is
    called (`netspec.operators.Call`; empty for others). ``device`` is where a merge moves its
    values, where they come from several. From the input at ``tuple_from`` on a child takes its
    inputs as one tuple. ``keywords`` are the names of the last inputs, which it takes by keyword.
    """

    kind: str
    child: str | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    drop: tuple[int, ...]
    dim: int = 0
    stretched: tuple[int, ...] = ()
    is_auxiliary: bool = False
    device: torch.device | None = None
    tuple_from: int | None = None
    keywords: tuple[str, ...] = ()
    form: str = ""


class Flow(nn.Module):
    """Children with the steps between them; the values of the steps are numbered.

    It has the children's names only, so that ``state_dict`` keys are those of hand-written code,
    and the names of its own attributes begin with an underscore.
    """

    def __init__(
        self,
        children: Iterable[tuple[str, nn.Module]],
        parameters: Iterable[tuple[str, nn.Parameter]],
        graph: Graph,
    ) -> None:
        super().__init__()
        for key, parameter in parameters:
            self.register_parameter(key, parameter)
        for name, child in children:
            self.add_module(name, child)
        self._steps = _with_lifetimes(graph)
        self._inputs = tuple([value.name for value in graph.inputs])
        self._results = graph.results
        self._auxiliary = graph.auxiliary
        self._count = len(graph.types)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        if named or len(inputs) != len(self._inputs):
            inputs = _in_order(self._inputs, inputs, named)
        values: Values = [None] * self._count
        values[: len(inputs)] = inputs
        del inputs, named  # the list lets go of each value when it was read last
        modules = self._modules
        training = self.training
        for step in self._steps:
            (kind, child, numbers, outputs, drop, _, _, is_auxiliary, device, tuple_from, keywords,
             form) = step  # fmt: skip
            if is_auxiliary and not training:
                continue
            if kind == CALL:
                module: Any = modules[child]  # type: ignore[index]
                if len(numbers) == 1:
                    result = module(values[numbers[0]])
                else:
                    result = called(
                        module, [values[number] for number in numbers], tuple_from, keywords
                    )
                if len(outputs) == 1:
                    values[outputs[0]] = result if isinstance(result, Tensor) else _first(result)
                else:
                    for number, value in zip(outputs, _flattened(result), strict=False):
                        values[number] = value
                del result
            elif kind == PARAMETER:
                values[outputs[0]] = self._parameters[child]  # type: ignore[index]
            elif form == "fold" and len(numbers) == 2 and device is None:
                values[outputs[0]] = FUNCTIONS[kind](values[numbers[0]], values[numbers[1]])
            else:
                _operate(step, values)
            for number in drop:
                values[number] = None
        return _given(values, self._results, self._auxiliary if training else None)


def operate_on(flow: Flow, device: torch.device, outputs: tuple[int, ...]) -> None:
    """Have the operator that makes these values move its inputs to a device."""
    flow._steps = tuple(
        [step._replace(device=device) if step.outputs == outputs else step for step in flow._steps]
    )


def called(
    module: nn.Module, given: Values, tuple_from: int | None, keywords: Sequence[str]
) -> Any:
    """What a module makes of several inputs; see FlowStep for ``tuple_from`` and ``keywords``."""
    if tuple_from is not None:
        given[tuple_from:] = [tuple(given[tuple_from:])]
    first = len(given) - len(keywords)
    return module(*given[:first], **dict(zip(keywords, given[first:], strict=True)))


def _in_order(
    names: tuple[str, ...], inputs: tuple[Tensor, ...], named: dict[str, Tensor]
) -> tuple[Tensor, ...]:
    """The inputs, some of them given by name, in the order of the names.

    Raises:
        TypeError: one is missing, given twice, or not an input.
    """
    missing = names[len(inputs) :]
    if len(inputs) > len(names) or set(named) != set(missing):
        by_name = f", and by name {', '.join(named)}" if named else ""
        raise TypeError(
            f"this model takes {', '.join(names)}: it got {len(inputs)} by position{by_name}"
        )
    return (*inputs, *[named[name] for name in missing])


def _operate(step: FlowStep, values: Values) -> None:
    """A step that makes one value of several, or several of one."""
    function = FUNCTIONS[step.kind]
    given = [values[number] for number in step.inputs]
    if step.device is not None:
        given = [value.to(step.device) for value in given]
    if step.form == "cut":
        parts = function(given[0], len(step.outputs), step.dim)
        for number, part in zip(step.outputs, parts, strict=True):
            values[number] = part
        return
    if step.form == "join":
        result = function(_stretched(given, step) if step.stretched else given, step.dim)
    else:
        result = given[0]
        for other in given[1:]:
            result = function(result, other)
    values[step.outputs[0]] = result


def _stretched(given: list[Tensor], step: FlowStep) -> list[Tensor]:
    """Parameters with sizes of 1 as large as the other values, but for the dim that is joined."""
    like = next(value for at, value in enumerate(given) if at not in step.stretched)
    for at in step.stretched:
        sizes = list(given[at].shape)
        for dim, size in enumerate(like.shape):
            if dim != step.dim and sizes[dim] == 1:
                sizes[dim] = size
        given[at] = given[at].expand(sizes)
    return given


def _flattened(result: Any) -> Iterator[Any]:
    """The tensors of nested tuples and dicts, in their order."""
    if isinstance(result, Tensor):
        yield result
    elif result is not None:
        for value in result.values() if isinstance(result, dict) else result:
            yield from _flattened(value)


def _first(result: Any) -> Any:
    return next(_flattened(result))


def _given(values: Values, results: Results, auxiliary: Results | None) -> Any:
    """What the container gives: a value, a tuple, or a dict."""
    if auxiliary is None or not auxiliary.values:
        if results.form == "single":
            return values[results.values[0]]
        auxiliary = None
    numbers = results.values + (auxiliary.values if auxiliary else ())
    if results.form == "dict":
        names = results.names + (auxiliary.names if auxiliary else ())
        return {name: values[number] for name, number in zip(names, numbers, strict=True)}
    return tuple([values[number] for number in numbers])


def _with_lifetimes(graph: Graph) -> tuple[FlowStep, ...]:
    """The steps with the values that each of them reads last.

    What is read last by a step that is left out in evaluation is dropped by the step before it
    that is not; in training it is kept a little longer.
    """
    kept = {*graph.results.values, *graph.auxiliary.values}
    backwards: list[FlowStep] = []
    for node in reversed(graph.nodes):
        drop: tuple[int, ...] = ()
        if not node.is_auxiliary:
            drop = tuple(number for number in dict.fromkeys(node.inputs) if number not in kept)
        kept.update(node.inputs)
        backwards.append(_step(node, drop))
    return tuple(reversed(backwards))


def _step(node: Node, drop: tuple[int, ...]) -> FlowStep:
    body = node.body
    if isinstance(body, Operation):
        return FlowStep(
            body.kind,
            None,
            node.inputs,
            node.outputs,
            drop,
            0 if body.dim is None else body.dim,
            body.stretched,
            node.is_auxiliary,
            form=body.operator.call,
        )
    application = body if isinstance(body, Application) else None
    return FlowStep(
        CALL if node.is_call else PARAMETER,
        node.name,
        node.inputs,
        node.outputs,
        drop,
        is_auxiliary=node.is_auxiliary,
        tuple_from=application.type.tuple_from(len(node.inputs)) if application else None,
        keywords=application.keywords if application else (),
    )
