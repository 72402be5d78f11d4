"""Expanded layers to Plan: every layer is checked and applied to what reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, cast

from netspec.declaration import Inferred, LayerType, Output, Refusal, TensorType
from netspec.diagnostics import Diagnostics, Note, Span, did_you_mean, listed
from netspec.expansion import Call, Leaf, Merge, Scope
from netspec.planning.binding import bind
from netspec.planning.countable import require_countable
from netspec.planning.merging import merge
from netspec.planning.needs import Conditions, decide
from netspec.planning.plan import (
    Application,
    Parameter,
    Plan,
    PlannedChild,
    PlannedInput,
    PlannedLayer,
    PlannedMerge,
    PlannedScope,
)
from netspec.registry import RegisteredLayer, Registry
from netspec.sizes import Size, SizeLimit, symbol, symbols
from netspec.source.collector import without_collector
from netspec.spec import Input, Layer, Origin, Spec, Value

# What a value of the wiring is known to be; None after a layer that was refused.
Known = TensorType | None
# A layer with its written arguments, which fit its declaration.
Bound = tuple[RegisteredLayer, Mapping[str, Value]]


@without_collector
def make_plan(spec: Spec, root: Scope, registry: Registry, found: Diagnostics) -> Plan | None:
    """The plan of an expanded spec; None when ``found`` got an error."""
    inputs = input_types(spec.inputs)
    planner = Planner(registry, found)
    given = tuple(planner.input(type, spec.origin) for type in inputs.values())
    planned = planner.scope(root, given or (None,))
    if found.failed or planned is None:
        return None
    return Plan(
        spec.name,
        tuple(PlannedInput(name, type) for name, type in inputs.items()),
        planned,
        tuple(planner.rows),
        planner.conditions.all(),
        tuple(found.all()),
    )


def input_types(inputs: tuple[Input, ...]) -> dict[str, TensorType]:
    """The inputs with a symbol for each named size."""
    named: dict[str, Size] = {}
    for given in inputs:
        for stated in given.sizes:
            named[stated.name] = symbol(
                stated.name,
                minimum=stated.min,
                maximum=stated.max,
                multiple_of=stated.multiple_of,
            )
    for given in inputs:
        for size in given.shape:
            if isinstance(size, str) and size not in named:
                named[size] = symbol(size)
    return {
        given.name: TensorType(
            tuple(named[size] if isinstance(size, str) else size for size in given.shape),
            given.dtype,
        )
        for given in inputs
    }


class Planner:
    """Applies layers to types, and remembers each different application.

    Layers are the same object where they were written alike, so a thousand equal blocks are
    checked once.
    """

    def __init__(self, registry: Registry, found: Diagnostics) -> None:
        self.registry = registry
        self.found = found
        self.rows: list[PlannedLayer] = []
        self.conditions = Conditions()
        self._bound: dict[int, Bound | None] = {}
        self._applied: dict[tuple[int, int], Application] = {}
        self._keep: list[Layer] = []  # keeps the layers alive whose ids are keys
        self._types: dict[TensorType, TensorType] = {}

    # ---- types

    def same(self, type: TensorType) -> TensorType:
        """The one object for all equal types, so that its id can be a key: hashing takes long.

        Raises:
            Refusal: no tensor can be so large.
        """
        known = self._types.get(type)
        if known is None:
            require_countable(type)
            known = self._types[type] = type
        return known

    def input(self, type: TensorType, origin: Origin) -> Known:
        try:
            return self.same(type)
        except Refusal as refusal:
            self.found.error("too-large-tensor", refusal.message, origin.reserved("input"))
            return None

    # ---- containers

    def scope(self, scope: Scope, inputs: tuple[Known, ...]) -> PlannedScope | None:
        """A planned container; None when something in it is wrong."""
        if scope.steps is None:
            return self.sequence(scope, inputs)
        values: dict[int, Known] = dict(enumerate(inputs))
        children: list[PlannedChild | None] = []
        merges: list[PlannedMerge | None] = []
        for step in scope.steps:
            given = tuple([values[number] for number in step.inputs])
            if isinstance(step, Call):
                child = self.child(scope.children[step.child], given)
                children.append(child)
                values[step.outputs[0]] = child.outputs[0] if child else None
            else:
                merged = self.merged(step, given)
                merges.append(merged)
                values[step.outputs[0]] = merged.outputs[0] if merged else None
        return self.finished(scope, inputs, children, merges, values[scope.results[0]])

    def sequence(self, scope: Scope, inputs: tuple[Known, ...]) -> PlannedScope | None:
        value = inputs[0]
        children: list[PlannedChild | None] = []
        for child in scope.children:
            planned = self.child(child, (value,))
            children.append(planned)
            value = planned.outputs[0] if planned else None
        return self.finished(scope, inputs, children, [], value)

    def finished(
        self,
        scope: Scope,
        inputs: tuple[Known, ...],
        children: list[PlannedChild | None],
        merges: list[PlannedMerge | None],
        result: Known,
    ) -> PlannedScope | None:
        if result is None or any(part is None for part in (*inputs, *children, *merges)):
            return None
        return PlannedScope(
            scope.path,
            scope.name,
            cast(tuple[PlannedChild, ...], tuple(children)),
            scope.steps,
            cast(tuple[PlannedMerge, ...], tuple(merges)),
            scope.results,
            cast(tuple[TensorType, ...], inputs),
            (result,),
            scope.device,
            scope.origin,
        )

    def child(self, child: Leaf | Scope, inputs: tuple[Known, ...]) -> PlannedChild | None:
        if isinstance(child, Scope):
            return self.scope(child, inputs)
        application = self.apply(child.layer, child.origin, child.path, inputs[0])
        if application is None:
            return None
        row = PlannedLayer(child.path, child.name, application, child.device, child.origin)
        self.rows.append(row)
        return row

    def merged(self, step: Merge, inputs: tuple[Known, ...]) -> PlannedMerge | None:
        if None in inputs:
            return None
        known = cast(tuple[TensorType, ...], inputs)
        try:
            return PlannedMerge(step, known, (self.same(merge(step, known)),))
        except (Refusal, SizeLimit) as refusal:
            at, helps = step.origin.span(), [""]
            if isinstance(refusal, Refusal):
                helps = refusal.help.split("\n")
                at = step.origin.argument(refusal.argument) if refusal.argument else at
            self.found.error("shape-mismatch", str(refusal), at, help=helps)
            return None

    # ---- one layer

    def apply(self, layer: Layer, origin: Origin, path: str, input: Known) -> Application | None:
        """The layer applied to its input, from memory where it came before."""
        if input is not None:
            known = self._applied.get((id(layer), id(input)))
            if known is not None:
                return known
        if id(layer) in self._bound:
            bound = self._bound[id(layer)]
            if bound is None:  # wrong here too, and reported where it came first
                self.bind(layer, origin)
        else:
            bound = self._bound[id(layer)] = self.bind(layer, origin)
            self._keep.append(layer)
        if bound is None or input is None:
            return None
        registered, written = bound
        try:
            application = self.applied(registered, written, origin, path, input)
        except _Reported:
            return None
        self._applied[id(layer), id(input)] = application
        return application

    def bind(self, layer: Layer, origin: Origin) -> Bound | None:
        registered = self.registry.find(layer.type)
        if registered is None:
            if layer.type:  # else it could not be read, which is reported
                self.unknown_layer(layer.type, origin)
            return None
        written = bind(registered.layer, layer, origin, self.found)
        return None if written is None else (registered, written)

    def unknown_layer(self, name: str, origin: Origin) -> None:
        names = list(self.registry.layers())
        disabled = self.registry.disabled()
        notes = [f"a plugin is disabled: {plugin.problem}" for plugin in disabled]
        self.found.error(
            "unknown-layer",
            f"{name} is not a layer" if len(name) <= 60 else f"{name[:57]}... is not a layer",
            origin.span(),
            notes=notes,
            help=[
                self.missing_space(name)
                or (not self.found.is_full and did_you_mean(name, names))
                or "`netspec layers` lists what can be written"
            ],
        )

    def missing_space(self, name: str) -> str:
        """What to write for `linear:10`, which YAML reads as one word."""
        word, colon, value = name[:200].partition(":")
        if colon and value and self.registry.find(word) is not None:
            return f"put a space after the colon: `{word}: {value}`"
        return ""

    def applied(
        self,
        registered: RegisteredLayer,
        written: Mapping[str, Value],
        origin: Origin,
        path: str,
        input: TensorType,
    ) -> Application:
        layer_type = registered.layer
        try:
            complete = self.with_inferred(layer_type, written, input)
            output = layer_type.rule(input, **complete)
            if not isinstance(output, Output):
                raise TypeError(f"it gives {output!r}, which is no Output")
            for need in output.needs:
                decide(need, self.conditions)
            type = self.same(TensorType(tuple(output.shape), output.dtype or input.dtype))
            for name, shape in (*output.parameters.items(), *output.buffers.items()):
                require_countable(TensorType(shape), name)
            for warning in output.warnings:
                self.found.warning("layer-warning", warning, origin.span())
            return Application(
                layer_type,
                {**layer_type.defaults, **complete},
                complete,
                (input,),
                (type,),
                tuple(Parameter(*item) for item in output.parameters.items()),
                tuple(Parameter(*item) for item in output.buffers.items()),
                output.macs,
            )
        except Refusal as refusal:
            self.refuse(refusal, layer_type, origin, path, input)
        except SizeLimit as problem:
            self.refuse(Refusal(str(problem)), layer_type, origin, path, input)
        except Exception as problem:  # a plugin's rule may fail with anything
            plugin = registered.plugin
            self.found.error(
                "rule-failed",
                f"the rule of {layer_type.name} failed: {problem.__class__.__name__}: {problem}",
                origin.span(),
                notes=[f"{layer_type.name} `{path}` gets {input}"],
                help=[f"this is a mistake in {plugin.package} {plugin.version}, tell its authors"],
            )
            raise _Reported from problem

    def with_inferred(
        self, layer_type: LayerType, written: Mapping[str, Value], input: TensorType
    ) -> dict[str, Value]:
        """The written arguments and those that follow from the input.

        Raises:
            Refusal: an inferred argument is not a known number, or another one is written.
        """
        complete = dict(written)
        for name, inferred in layer_type.inferred.items():
            found = inferred.find(input, written.get(name))
            for size in found if isinstance(found, tuple) else (found,):
                if not isinstance(size, int):
                    raise _unknown_size(name, inferred, size, input)
            value = cast(Value, found)
            several = isinstance(found, tuple) and len(found) > 1
            what = f"{inferred.what}s" if several else inferred.what
            if name not in written:
                if not layer_type.arguments[name].kind.accepts(value):
                    kind = layer_type.arguments[name].describe()
                    raise Refusal(f"{name} takes {kind}, but would be {_plain(value)}: {what}")
                complete[name] = value
            elif written[name] != value and (written[name],) != value:
                raise Refusal(
                    f"{name} is {_plain(written[name])}, but must be {_plain(value)}, {what}",
                    argument=name,
                    help=f"leave {name} out, it is inferred; or write {_plain(value)}",
                )
        return complete

    def refuse(
        self, refusal: Refusal, layer_type: LayerType, origin: Origin, path: str, input: TensorType
    ) -> NoReturn:
        span: Span = origin.argument(refusal.argument) if refusal.argument else origin.span()
        notes: list[Note | str] = [f"{layer_type.name} `{path}` gets {input}"]
        self.found.error(
            "shape-mismatch", refusal.message, span, notes=notes, help=refusal.help.split("\n")
        )
        raise _Reported


class _Reported(Exception):
    """The layer is refused; the reason is among the diagnostics."""


def _plain(value: Value) -> str:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return str(value) if not isinstance(value, tuple) else str(list(value))


def _unknown_size(name: str, inferred: Inferred, size: Size, input: TensorType) -> Refusal:
    names = [symbol.name for symbol in symbols(size)]
    help = f"give {listed(names)} a number in `input`"
    if str(size) in names:
        what = f"{inferred.what} {size} may be any number"
        if size == input.shape[0] and input.rank > 1:
            rest = ", ".join(map(str, input.shape[1:]))
            help = f"a batch of samples has its channels second: [{size}, 1, {rest}]\nor {help}"
    else:
        what = f"{inferred.what} depends on {listed(names)}"
        if "N" in names:
            help = f"keep the batch size N apart: `flatten` begins at dim 1\nor {help}"
        elif inferred.help and len(names) > 1:
            help += f"\nor {inferred.help}"
    return Refusal(f"{name} needs a known number, but {what}", help=help)
