"""The steps of layers that compute in several, as operations of their own."""

from __future__ import annotations

from collections.abc import Callable

from netspec.accounting.trace import Step
from netspec.declaration import TensorType, Work
from netspec.planning.costs import Storage
from netspec.sizes import Size

Hold = tuple[Storage, Step]


def in_steps(
    operation: Step, evaluated: Callable[[Size], int], is_training: bool
) -> tuple[list[Step], list[Hold]]:
    """The operation, or those that its layer declares as its work; and who holds what until when.

    Args:
        evaluated: gives the number of bytes.
    """
    application = operation.application
    if application is None or not application.work:
        return [operation], []
    operations: list[Step] = []
    holds: list[Hold] = []
    values = dict(zip(application.input_names, operation.inputs, strict=False))
    made = dict(zip(application.output_names, operation.outputs, strict=True))
    keys = dict(
        zip([one.name for one in application.parameters], operation.parameters, strict=True)
    )
    used = {name for step in application.work for name in step.parameters}
    last = application.work[-1]
    for step in application.work:
        if step.training_only and not is_training and step is not last:
            values[step.output] = values[step.inputs[0]]
            continue
        outputs = [_output(step, values, made, evaluated)]
        values[step.output] = outputs[0]
        kept = [values[name] for name in step.saves]
        if step.saved_bytes != 0:
            further = _bytes(evaluated(step.saved_bytes))
            outputs.append(further)
            kept.append(further)
        names = step.parameters
        if step is last:
            outputs += [one for one in made.values() if one not in outputs]
            names = (*names, *[name for name in keys if name not in used])
        forward, backward = step.scratch
        made_by = Step(
            operation.path,
            tuple([values[name] for name in step.inputs]),
            tuple(outputs),
            tuple(kept),
            parameters=tuple([keys[name] for name in names]),
            hands_on=step.hands_on,
            group=operation.group,
            scratch=(evaluated(forward), evaluated(backward)),
        )
        operations.append(made_by)
        holds += [(values[name], made_by) for name in step.holds]
    holds += [(storage, operations[-1]) for storage in operation.inputs]
    return operations, holds


def _output(
    step: Work,
    values: dict[str, Storage],
    made: dict[str, Storage],
    evaluated: Callable[[Size], int],
) -> Storage:
    if step.output in made:
        return made[step.output]
    return _bytes(evaluated(step.nbytes))


def _bytes(count: int) -> Storage:
    return Storage(TensorType((count,), "uint8"), True)
