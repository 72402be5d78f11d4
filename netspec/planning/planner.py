"""One layer applied to what reaches it: its arguments checked, its sizes inferred."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from netspec.budget import OutOfSteps, spend
from netspec.declaration import (
    FromClass,
    Inferred,
    LayerType,
    Output,
    Refusal,
    TensorType,
    UnreadableClass,
)
from netspec.declaration.output import Shape
from netspec.diagnostics import (
    Advice,
    Diagnostics,
    Fix,
    Instead,
    Line,
    Note,
    Span,
    failure,
    fix,
    listed,
)
from netspec.graph import Application, Parameter, Trust
from netspec.planning.binding import bind
from netspec.planning.countable import require_countable
from netspec.planning.former_names import report_former_names
from netspec.planning.needs import decide
from netspec.planning.soundness import require_sound
from netspec.plugin_calls import Fault, call_rule
from netspec.registry import Brought, PackageBlock, RegisteredLayer, Registry
from netspec.sizes import Size, SizeLimit, symbols
from netspec.spec import Layer, Origin, Value

if TYPE_CHECKING:
    from netspec.advice.layers import Site
    from netspec.probing.refusals import Unanswered

T = TypeVar("T")
NO_VALUES: Mapping[str, Any] = {}
# What a value of the wiring is known to be; None after a layer that was refused.
Known = TensorType | None
# A layer with its written arguments, which fit its declaration.
Bound = tuple[RegisteredLayer, Mapping[str, Value]]


class Planner:
    """Applies layers to types, and remembers each different application.

    Layers are the same object where they were written alike, so a thousand equal blocks are
    checked once.
    """

    def __init__(self, registry: Registry, found: Diagnostics, *, prove: bool = False) -> None:
        self.registry = registry
        self.prove = prove  # whether the shapes of layers without a rule have to be proven
        self.found = found
        #: Where the model's one input is written, and its type.
        self.model_input: tuple[Span, TensorType] | None = None
        #: The modules of all finished walks, those of other variants too.
        self.walked = 0
        #: The steps that they have spent.
        self.steps = 0
        #: Whether one of them ended at a limit.
        self.is_cut = False
        self._bound: dict[int, Bound | None] = {}
        #: By the ids of a layer and of its one input.
        self.applications: dict[tuple[int, int], Application] = {}
        self._keep: list[Layer] = []  # keeps the layers alive whose ids are keys
        self._layers: dict[object, Layer] = {}
        self._types: dict[TensorType, TensorType] = {}
        #: Why rules are not called again, by the layer's full name.
        self._unanswered: dict[object, Unanswered] = {}

    def begin(self, found: Diagnostics) -> None:
        """Begins another walk, with what is remembered of earlier ones."""
        self.found = found

    # ---- types

    def same(self, type: TensorType) -> TensorType:
        """The one object for all equal types, so that its id can be a key: hashing takes long.

        Raises:
            Refusal: no tensor can be so large.
        """
        known = self._types.get(type)
        if known is None:
            spend(type.rank)  # each of many layers may add dims
            require_countable(type)
            known = self._types[type] = type
        return known

    # ---- one layer

    def layer(self, type: str, arguments: tuple[tuple[str | None, Any], ...]) -> Layer:
        """The one Layer for all equal ones, so that each is checked once."""
        key = (type, arguments, _types(arguments))
        known = self._layers.get(key)
        if known is None:
            known = self._layers[key] = Layer(type, arguments)
        return known

    def apply(
        self,
        layer: Layer,
        origin: Origin,
        path: str,
        inputs: tuple[Known, ...],
        names: tuple[str, ...] = (),
        stated: Shape | None = None,
        values: Mapping[str, Any] = NO_VALUES,
        blocks: Collection[str] = (),
    ) -> Application | None:
        """The layer applied to its inputs, from memory where it came before.

        ``names`` are the inputs' names, in the layer's order, where some between may be left out.
        ``stated`` is the shape that the spec states, for a layer whose shapes are not known.
        ``values`` are those that have names here, and ``blocks`` the spec's, for what is advised.

        None where it is wrong, which is reported, or where an input is not known.
        """
        first = inputs[0]
        if len(inputs) == 1:
            known = self.applications.get((id(layer), id(first)))
            if known is not None:
                self.report_warnings(known, layer, origin)
                return known
        if id(layer) in self._bound:
            bound = self._bound[id(layer)]
            if bound is None:  # wrong here too, and reported where it came first
                self.bind(layer, origin, first, values, blocks)
        else:
            bound = self._bound[id(layer)] = self.bind(layer, origin, first, values, blocks)
            self._keep.append(layer)
        if bound is None or None in inputs:
            return None
        registered, written = bound
        given = cast(tuple[TensorType, ...], inputs)
        try:
            application = self.applied(registered, written, origin, path, given, names, stated)
        except _Reported:
            return None
        self.report_warnings(application, layer, origin)
        if len(inputs) == 1 and application.trust != "stated":
            self.applications[id(layer), id(first)] = application
        return application

    def report_warnings(self, application: Application, layer: Layer, origin: Origin) -> None:
        if application.type.is_changing:
            report_former_names(application.type, layer, origin, self.found)
        for warning in application.warnings:
            self.found.warning("layer-warning", warning, origin.span())

    def bind(
        self,
        layer: Layer,
        origin: Origin,
        input: Known = None,
        values: Mapping[str, Any] = NO_VALUES,
        blocks: Collection[str] = (),
    ) -> Bound | None:
        registered = self.registry.find(layer.type)
        if registered is None:
            if layer.type:  # else it could not be read, which is reported
                site = partial(self.site, origin, input, values, blocks)
                self.unknown_layer(layer, origin, site)
            return None
        if not self.is_readable(registered, origin.span()):
            return None
        site = partial(self.site, origin, input, values)
        written = bind(registered.layer, layer, origin, self.found, site)
        return None if written is None else (registered, written)

    def is_readable(self, registered: RegisteredLayer, span: Span) -> bool:
        """Whether the arguments of the layer are known; else it is reported why they are not."""
        if isinstance(registered.layer, FromClass):
            try:
                _ = registered.layer.arguments, registered.layer.inputs
            except UnreadableClass as problem:
                name = registered.layer.name
                self.found.error(
                    "unreadable-class",
                    f"{name} of {registered.plugin.title} cannot be used: {problem}",
                    span,
                )
                return False
        return True

    def site(
        self,
        origin: Origin,
        input: Known,
        values: Mapping[str, Any],
        blocks: Collection[str] = (),
    ) -> Site:
        """What advice needs to know of the place of a layer."""
        from netspec.advice.layers import Site

        def accepts(layer: Layer) -> bool:
            trial = Planner(self.registry, Diagnostics())
            trial.apply(layer, origin, "", (input,))
            return not trial.found.failed

        return Site(self.registry, input, values, accepts, blocks)

    def unknown_layer(self, layer: Layer, origin: Origin, site: Callable[[], Site]) -> None:
        name = layer.type
        candidates: list[RegisteredLayer | Brought[PackageBlock]]
        candidates = [*self.registry.candidates(name), *self.registry.blocks_named(name)]
        if candidates:
            self.ambiguous_layer(name, candidates, origin)
            return
        disabled = self.registry.disabled()
        self.found.error(
            "unknown-layer",
            f"{name} is not a layer" if len(name) <= 60 else f"{name[:57]}... is not a layer",
            origin.span(),
            notes=[f"a plugin is disabled: {plugin.problem}" for plugin in disabled],
            help=[lambda: self.meant_layer(layer, origin, site())],
        )

    def meant_layer(self, layer: Layer, origin: Origin, site: Site) -> str | Fix:
        """What to write in place of a layer whose name nobody has."""
        from netspec.advice.layers import unknown_layer  # most specs have no use for them
        from netspec.layers.not_layers import why_not

        return (
            self.registry.remedy(layer.type)
            or unknown_layer(layer, origin, site, why_not(layer.type))
            or "`netspec layers` lists what can be written"
        )

    def ambiguous_layer(
        self,
        name: str,
        candidates: Sequence[RegisteredLayer | Brought[PackageBlock]],
        origin: Origin,
    ) -> None:
        """Two plugins have layers or blocks of this name."""
        is_layer = all(isinstance(one, RegisteredLayer) for one in candidates)
        what = "layer" if is_layer else "layer or block"
        self.found.error(
            "ambiguous-layer",
            f"{name} is a {what} of {listed([str(one.plugin) for one in candidates], 'and')}",
            origin.span(),
            help=[f"write {listed([f'`{one.full_name}`' for one in candidates], 'or')}"],
        )

    def applied(
        self,
        registered: RegisteredLayer,
        written: Mapping[str, Value],
        origin: Origin,
        path: str,
        inputs: tuple[TensorType, ...],
        given: tuple[str, ...] = (),
        stated: Shape | None = None,
    ) -> Application:
        layer_type = registered.layer
        trust: Trust = "rule"
        try:
            if not given:
                self.require_inputs(layer_type, inputs, origin)
                given = layer_type.inputs[: len(inputs)]
            complete = self.guarded(
                registered, lambda: self.with_inferred(layer_type, written, inputs)
            )
            if isinstance(layer_type, FromClass) and not layer_type.has_rule:
                output, trust = self.without_rule(
                    registered, complete, inputs, given, stated, origin
                )
            else:
                output = self.ruled(registered, complete, inputs, given)
            names = (*given, output.name, *output.others)
            for name in output.saves:
                if name not in names:
                    raise TypeError(f"it saves {name!r}, which is no input or output")
            known = set(given)
            for step in output.work:
                for name in (*step.inputs, *set(step.saves) - {step.output}):
                    if name not in known:
                        raise TypeError(f"a step of its work uses {name!r}, which is not there yet")
                known.add(step.output)
            conditions = [one for need in output.needs for one in decide(need)]
            first = self.same(TensorType(tuple(output.shape), output.dtype or inputs[0].dtype))
            others = tuple([self.same(other) for other in output.others.values()])
            for name, shape in (*output.parameters.items(), *output.buffers.items()):
                require_countable(TensorType(shape), name)
            return Application(
                layer_type,
                {**layer_type.defaults, **complete},
                complete,
                inputs,
                (first, *others),
                (output.name, *output.others),
                tuple(Parameter(*item) for item in output.parameters.items()),
                tuple(Parameter(*item) for item in output.buffers.items()),
                output.macs,
                output.saves,
                output.saved_bytes,
                output.is_view,
                given,
                str(registered.plugin),
                trust,
                tuple(dict.fromkeys(conditions)),
                output.warnings,
                output.scratch,
                output.work,
                is_counted=output.is_counted,
                name=registered.own_name,
            )
        except Refusal as refusal:
            self.refuse(refusal, layer_type, origin, path, inputs)
        except SizeLimit as problem:
            self.refuse(Refusal(str(problem)), layer_type, origin, path, inputs)
        except (_Reported, OutOfSteps):
            raise
        except Exception as problem:  # a plugin's rule may fail with anything
            reason = str(problem) if isinstance(problem, Fault) else failure(problem)
            without_rule = isinstance(layer_type, FromClass) and not layer_type.has_rule
            what = "declaration" if without_rule else "rule"
            self.found.error(
                "rule-failed",
                f"the {what} of {layer_type.name} failed: {reason}",
                origin.span(),
                notes=[f"{layer_type.name} `{path}` gets {shown(inputs)}"],
                help=[f"this is a mistake in {registered.plugin}, tell its authors"],
            )
            raise _Reported from problem

    def guarded(self, registered: RegisteredLayer, work: Callable[[], T]) -> T:
        """Call the code of a layer's declaration.

        Raises:
            Exception: the code raises it.
            Fault: a plugin's code tries to end the program.
        """
        if registered.plugin.package == "netspec":
            return work()
        return call_rule(work)

    def ruled(
        self,
        registered: RegisteredLayer,
        complete: Mapping[str, Value],
        inputs: tuple[TensorType, ...],
        given: tuple[str, ...],
    ) -> Output:
        """What the layer's rule gives.

        Raises:
            Refusal: the layer cannot be applied.
            Exception: the rule of a plugin fails, or gives what is no sound Output.
        """
        layer_type = registered.layer
        first_ones = layer_type.required_inputs
        further = dict(zip(given[first_ones:], inputs[first_ones:], strict=True))
        # The rule of a class has not the class's defaults.
        defaults = layer_type.defaults if isinstance(layer_type, FromClass) else {}
        arguments = {**defaults, **complete}
        output = self.guarded(
            registered, lambda: layer_type.rule(*inputs[:first_ones], **further, **arguments)
        )
        if registered.plugin.package != "netspec":
            require_sound(output)
        return output

    def without_rule(
        self,
        registered: RegisteredLayer,
        written: Mapping[str, Value],
        inputs: tuple[TensorType, ...],
        names: tuple[str, ...],
        stated: Shape | None,
        origin: Origin,
    ) -> tuple[Output, Trust]:
        """What the runs of its class say, with torch, which only such layers need here.

        Raises:
            _Reported: the shapes are not known.
            SizeLimit: a formula is too large.
        """
        from netspec.probing.answer import answer
        from netspec.probing.refusals import Unanswered

        key = (registered.full_name, repr(written), inputs, names, stated)
        try:
            if key in self._unanswered:  # it may have taken a minute to find out
                raise self._unanswered[key]
            return answer(registered, written, inputs, names, stated, self.prove)
        except Unanswered as problem:
            self._unanswered[key] = problem
            notes = [
                f"{registered.layer.name} gets {shown(inputs)}",
                f"{registered.layer.target} is of {registered.plugin.title}",
            ]
            self.found.error(
                problem.code, problem.message, origin.span(), notes=notes, help=problem.help
            )
            raise _Reported from problem

    def require_inputs(
        self, layer_type: LayerType, inputs: tuple[TensorType, ...], origin: Origin
    ) -> None:
        """
        Raises:
            _Reported: there are too few or too many inputs.
        """
        names = layer_type.inputs
        if layer_type.required_inputs <= len(inputs) <= len(names):
            return
        required = names[: layer_type.required_inputs]
        optional = names[layer_type.required_inputs :]
        count = "one input" if len(required) == 1 else f"the inputs {listed(required)}"
        notes = [f"it may get {listed(optional)} as well"] if optional else []
        self.found.error(
            "wrong-inputs",
            f"{layer_type.name} takes {count}, but gets {len(inputs)}",
            origin.reserved("from"),
            notes=notes,
            help=[
                "name an earlier layer: `from: name`"
                if len(required) == 1
                else f"name where they come from: `from: [{', '.join(required)}]`"
            ],
        )
        raise _Reported

    def with_inferred(
        self, layer_type: LayerType, written: Mapping[str, Value], inputs: tuple[TensorType, ...]
    ) -> dict[str, Value]:
        """The written arguments and those that follow from the input.

        Raises:
            Refusal: an inferred argument is not a known number, or another one is written.
        """
        complete = dict(written)
        for name, inferred in layer_type.inferred.items():
            input = inputs[inferred.place]
            found = inferred.find(input, written.get(name))
            if found is None:
                continue
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
                    instead=_plain(value),
                )
        return complete

    def refuse(
        self,
        refusal: Refusal,
        layer_type: LayerType,
        origin: Origin,
        path: str,
        inputs: tuple[TensorType, ...],
    ) -> NoReturn:
        span: Span = origin.argument(refusal.argument) if refusal.argument else origin.span()
        notes: list[Note | str] = [f"{layer_type.name} `{path}` gets {shown(inputs)}"]

        def first() -> Line:
            from netspec.advice.layers import of_family

            site = self.site(origin, inputs[0], NO_VALUES)
            found = "" if refusal.input else of_family(layer_type, origin, site)
            return found or self.refusal_help(refusal, origin, inputs[0])

        help: list[Advice] = [first, *refusal.help.split("\n")[1:]]
        self.found.error("shape-mismatch", refusal.message, span, notes=notes, help=help)
        raise _Reported

    def refusal_help(self, refusal: Refusal, origin: Origin, input: TensorType) -> Line:
        """The first line of a refusal's help, with its edit."""
        text = refusal.help.split("\n")[0]
        from netspec.advice.writing import source_text, without_entry

        if refusal.argument and refusal.instead is not None:
            without = without_entry(text, origin.source, origin.arguments, refusal.argument)
            return without if isinstance(without, Fix) else Instead(text, refusal.instead)

        if refusal.input and self.model_input is not None and self.model_input[1] is input:
            span = self.model_input[0]
            if source_text(span.source, span).startswith("["):
                return fix(text, (span, refusal.input), is_certain=False)
        return text


def shown(inputs: tuple[TensorType, ...]) -> str:
    """The types of inputs in a message."""
    return listed([str(given) for given in inputs])


class _Reported(Exception):
    """The layer is refused; the reason is among the diagnostics."""


def _plain(value: Value) -> str:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return str(value) if not isinstance(value, tuple) else str(list(value))


def _unknown_size(name: str, inferred: Inferred, size: Size, input: TensorType) -> Refusal:
    names = [symbol.name for symbol in symbols(size)]
    help = f"give {listed(names)} a number in `input`"
    shape = None
    if str(size) in names:
        what = f"{inferred.what} {size} may be any number"
        if size == input.shape[0] and input.rank > 1:
            rest = ", ".join(map(str, input.shape[1:]))
            shape = f"[{size}, 1, {rest}]"
            help = f"a batch of samples has its channels second: {shape}\nor {help}"
    else:
        what = f"{inferred.what} depends on {listed(names)}"
        if "N" in names:
            help = f"keep the batch size N apart: `flatten` begins at dim 1\nor {help}"
        elif inferred.help and len(names) > 1:
            help += f"\nor {inferred.help}"
    return Refusal(f"{name} needs a known number, but {what}", help=help, input=shape)


def _types(value: Any) -> object:
    """What tells 1, 1.0 and true apart, which are equal in Python."""
    if value.__class__ is tuple:
        return tuple([_types(item) for item in value])
    return value.__class__
