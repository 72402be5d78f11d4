"""The shapes of a layer without a rule, in order of trust: proven, probed, stated, refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from netspec.declaration import FromClass, Need, Output, TensorType, imported
from netspec.declaration.output import Shape
from netspec.graph import Trust
from netspec.plugin_calls import Fault, call_plugin
from netspec.probing.cache import keep, kept
from netspec.probing.probe import Probed, ProbedNeed, probe
from netspec.probing.question import Question, question
from netspec.probing.refusals import NotProbed, NotProven, RefusedByTorch, Unanswered
from netspec.probing.run import Runner, made_on_meta, state_of
from netspec.probing.skeleton import skeleton
from netspec.registry import RegisteredLayer
from netspec.sizes import SizeLimit
from netspec.spec import Value

T = TypeVar("T")


class Answer(NamedTuple):
    output: Output
    trust: Trust


def answer(
    registered: RegisteredLayer,
    written: Mapping[str, Value],
    inputs: Sequence[TensorType],
    names: tuple[str, ...],
    stated: Shape | None,
    prove: bool,
) -> Answer:
    """
    Args:
        written: the arguments to pass to the class.
        names: those of the inputs that are given.
        stated: the shape that the spec states, for a layer that cannot be probed.
        prove: whether a probed shape has to be proven, too.

    Raises:
        Unanswered: the shapes are not known, or not proven; its message says why.
        SizeLimit: a formula is too large.
    """
    layer = registered.layer
    assert isinstance(layer, FromClass)
    keywords = tuple(name for name in names if name in layer.keyword_inputs)
    asked = question(layer, written, inputs, keywords)
    package = str(registered.plugin)
    try:
        probed = _called(layer, lambda: _probed(asked, package))
    except NotProbed as problem:
        if stated is None or prove:
            raise _unanswered(layer, problem, inputs, is_stated=stated is not None) from None
        return Answer(_stated(layer, asked, stated, inputs), "stated")
    if prove:
        from netspec.probing.prove import prove_shapes  # which takes a second to import

        try:
            _called(layer, lambda: prove_shapes(asked, probed))
        except NotProven as problem:
            help = ["without --prove its shapes are those of the runs, marked as probed"]
            message = f"the shapes of {layer.name} are not proven: {problem}"
            raise Unanswered("not-proven", message, [*problem.help, *help]) from None
    output = _output(layer, asked, probed, names)
    return Answer(output, "proven" if prove else "probed")


def _called(layer: FromClass, work: Callable[[], T]) -> T:
    """
    Raises:
        NotProbed, NotProven: as the work does.
        Unanswered: the plugin's code fails.
    """
    try:
        return call_plugin(work, f"{layer.name} cannot be probed")
    except Fault as problem:
        if isinstance(problem.__cause__, NotProbed | NotProven | SizeLimit):
            raise problem.__cause__ from None
        raise Unanswered("layer-failed", str(problem)) from None


def _probed(asked: Question, package: str) -> Probed:
    """
    Raises:
        NotProbed: there is no formula.
    """
    imported(asked.layer.target)  # so that its sources are there to be compared
    known = kept(asked, package)
    if known is not None:
        return known
    runner = Runner(asked)
    probed = probe(runner)
    keep(asked, package, probed, runner)
    return probed


def _output(layer: FromClass, asked: Question, probed: Probed, names: tuple[str, ...]) -> Output:
    """``names`` are those of the inputs."""
    first = _where(asked, probed.outputs[0])
    unknown = [
        what
        for what, known in (
            ("multiply-adds", probed.macs),
            ("bytes saved for backward", probed.saved_bytes),
        )
        if known is None
    ]
    warnings = [
        f"the {what} of {layer.name} are not counted: they fit no formula, or torch does not "
        "know them"
        for what in unknown
    ]
    others = [_where(asked, other) for other in probed.outputs[1:]]
    results = {f"output_{number}": other for number, other in enumerate(others, 1)}
    values = (*names, "output", *results)
    return Output(
        first.shape,
        first.dtype,
        probed.parameters,
        probed.buffers,
        asked.where_it_is(0 if probed.macs is None else probed.macs),
        tuple(_need(layer, asked, probed_need) for probed_need in probed.needs),
        tuple(warnings),
        is_counted=probed.macs is not None,
        others=results,
        saves=tuple(values[place] for place in probed.saves),
        saved_bytes=asked.where_it_is(0 if probed.saved_bytes is None else probed.saved_bytes),
        is_view=probed.is_view,
    )


def _where(asked: Question, type: TensorType) -> TensorType:
    return TensorType(tuple(asked.where_it_is(size) for size in type.shape), type.dtype)


def _need(layer: FromClass, asked: Question, found: ProbedNeed) -> Need:
    size = asked.variables[found.variable].size
    what = "at least" if found.kind == "at_least" else "a multiple of"
    message = (
        f"{layer.name} needs {size} to be {what} {found.number}: else torch says {found.message}"
    )
    return Need(found.kind, size, found.number, message)


def _stated(
    layer: FromClass, asked: Question, stated: Shape, inputs: Sequence[TensorType]
) -> Output:
    """
    Raises:
        Unanswered: the class cannot be made.
    """
    arguments = dict(asked.arguments)
    try:
        state = _called(layer, lambda: state_of(made_on_meta(asked.layer, arguments)))
    except NotProbed as problem:
        raise _unanswered(layer, problem, inputs, is_stated=True) from None
    warning = f"the multiply-adds of {layer.name} and what it saves for backward are not counted"
    return Output(stated, None, *state, warnings=(warning,))


def _unanswered(
    layer: FromClass, problem: NotProbed, inputs: Sequence[TensorType], *, is_stated: bool
) -> Unanswered:
    if isinstance(problem, RefusedByTorch):
        return Unanswered("shape-mismatch", f"{layer.name} cannot be run: {problem}")
    help = ["give it a shape rule, in the plugin:", *skeleton(layer, inputs[0].rank)]
    if not is_stated:
        shape = ", ".join(map(str, inputs[0].shape[:1])) or "1"
        help.insert(0, f"state what it gives, beside it: `shape: [{shape}, ...]`")
    message = f"{layer.name} has no shape rule, and cannot be probed: {problem}"
    return Unanswered("not-probed", message, help)
