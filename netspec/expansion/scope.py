"""One container while it is written out: its children, its values, and the steps between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple, cast

from netspec.declaration import Refusal, TensorType
from netspec.diagnostics import Note, Span, listed
from netspec.expansion import composites, references
from netspec.expansion.blocks import block_environment, inside_block
from netspec.expansion.lints import report_lints
from netspec.expansion.names import child_name, register
from netspec.expansion.results import planned_results
from netspec.expansion.values import (
    Environment,
    UnknownShape,
    computed,
    names_at,
    plain,
    report,
    text_of,
)
from netspec.expansion.walk import MAX_NESTING, Walk
from netspec.planning.plan import (
    NO_RESULTS,
    PlannedChild,
    PlannedInit,
    PlannedLayer,
    PlannedParameter,
    PlannedScope,
    Results,
    Step,
)
from netspec.planning.planner import Known
from netspec.spec import (
    COMPOSITES,
    Each,
    Item,
    Keys,
    Layer,
    Layers,
    LayerTemplate,
    Origin,
    Pass,
    RawParameter,
    Use,
)
from netspec.spec.words import INPUT
from netspec.templates import EvaluationError, Template

NO_KEYS = Keys()


class Named(NamedTuple):
    """What an item gave: the numbers of its values, and what they are called."""

    values: tuple[int, ...]
    outputs: tuple[str, ...] = ("output",)


class Made(NamedTuple):
    """How a child was made, so that it can be called again."""

    place: int
    item: Item
    names: Environment
    planned: PlannedChild | None


class Result(NamedTuple):
    """What a child gave: types and their names."""

    planned: PlannedChild | None
    types: tuple[Known, ...]
    outputs: tuple[str, ...]


UNKNOWN = Result(None, (None,), ("output",))


class ScopeBuilder:
    """Writes the items of a scope out. A value of the wiring is a number."""

    def __init__(
        self,
        walk: Walk,
        path: str,
        device: str | None,
        layers: Layers,
        origin: Origin,
        is_reused: bool = False,
    ) -> None:
        self.walk = walk
        self.found = walk.found
        self.path = path
        self.prefix = f"{path}." if path else ""
        self.device = device
        self.layers = layers
        self.origin = origin
        self.is_reused = is_reused
        self.types: list[Known] = []
        self.inputs: tuple[Known, ...] = ()
        self.children: list[PlannedChild | None] = []
        self.parameters: list[PlannedParameter] = []
        self.steps: list[Step] = []
        self.named: dict[str, Named] = {}
        self.names: dict[str, Origin] = {}
        self.made: dict[str, Made] = {}
        self.sources: set[int] = set()  # values that are parameters
        self.unnamed = 0
        self.is_chain = True  # as long as it is, nobody needs the steps
        self.failed = False
        self.last = 0

    # ---- begin and end

    def begin(self, inputs: dict[str, Known]) -> None:
        self.inputs = tuple(inputs.values())
        self.types = list(self.inputs)
        for number, name in enumerate(inputs):
            self.named[name] = Named((number,))

    def run(self, names: Environment) -> None:
        """Writes the scope's own items out."""
        self.last = self.chain(self.layers, 0, names, None)

    def finish(self, name: str, names: Environment) -> PlannedScope | None:
        """The finished scope; None where something in it is wrong."""
        results, auxiliary = Results((self.last,)), NO_RESULTS
        layers = self.layers
        if layers.outputs is not None or layers.auxiliary is not None:
            found = planned_results(self, layers, names)
            if found is None:
                return None
            results, auxiliary = found
        if layers.register:
            self.reorder(names)
        plain = results.values == (self.last,) and not auxiliary.values and results.form == "single"
        if self.is_chain and (not plain or len(self.inputs) > 1):
            self.need_steps()
        outputs = tuple(self.types[number] for number in results.values)
        wrong = self.failed or None in self.children or None in outputs or None in self.inputs
        if wrong:
            return None
        steps = None if self.is_chain else tuple(self.steps)
        scope = PlannedScope(
            self.path,
            name,
            cast(tuple[PlannedChild, ...], tuple(self.children)),
            tuple(self.parameters),
            steps,
            results,
            auxiliary,
            cast(tuple[TensorType, ...], self.inputs),
            cast(tuple[TensorType, ...], outputs),
            self.device,
            self.origin,
            self.is_reused,
        )
        return report_lints(scope, self.found)

    def reorder(self, names: Environment) -> None:
        """Puts the children that ``register`` names first."""
        order = register(self, names)
        if order == list(range(len(self.children))):
            return
        self.need_steps()
        at = {old: new for new, old in enumerate(order)}
        self.children = [self.children[old] for old in order]
        self.steps = [
            replace(step, child=at[step.child])
            if step.kind == "call" and step.child is not None
            else step
            for step in self.steps
        ]

    # ---- items: each method takes the number of a value and gives the number of its result

    def chain(self, layers: Layers, value: int, names: Environment, device: str | None) -> int:
        for item in layers.items:
            if item.keys is None:
                value = self.part(item, NO_KEYS, (value,), names, device)
            else:
                value = self.keyed(item, item.keys, value, names, device)
        return value

    def keyed(
        self, item: Item, keys: Keys, value: int, names: Environment, device: str | None
    ) -> int:
        """An item with reserved keys that few have."""
        given: tuple[int, ...] = (value,)
        try:
            if keys.inputs:
                given = references.resolve(self, keys.inputs, item.origin, names)
                if not given:
                    return self.unknown(item, names)
            at = self.types[given[0]]
            if keys.let:
                names = dict(names)
                for name, written in keys.let:
                    names[name] = self.value(written, names, at, item.origin.reserved("let"))
            if keys.when is not True:
                when = self.value(keys.when, names, at, item.origin.reserved("when"))
                if not when:
                    passed = given[0] if len(given) == 1 else value
                    if item.name is not None:
                        self.named.setdefault(text_of(item.name, names), Named((passed,)))
                    if passed != value:
                        self.need_steps()
                    return passed
        except Skip:
            return self.unknown(item, names)
        return self.part(item, keys, given, names, device)

    def part(
        self, item: Item, keys: Keys, given: tuple[int, ...], names: Environment, device: str | None
    ) -> int:
        part = item.part
        device = device if item.device is None else self.device_of(item, names, device)
        is_composite = part.__class__ in COMPOSITES
        if item.repeat is None:
            if is_composite and (item.name is None or not composites.branches(part)):
                value = composites.write_out(self, item, given, names, device)
                if item.name is not None:
                    self.name_value(item, names, Named((value,)))
                return value
            if isinstance(part, Use):
                return self.use(item, part, given, names)
            if isinstance(part, Pass):
                if item.name is not None:
                    self.name_value(item, names, Named(given[:1]))
                self.need_steps()
                return given[0]
            if isinstance(part, RawParameter):
                return self.parameter(item, part, given, names)
        elif isinstance(part, Use | Pass | RawParameter | Each):
            self.found.error(
                "misplaced-key", "`repeat` makes copies of layers", item.origin.reserved("repeat")
            )
            return self.unknown(item, names)
        self.walk.count(item.origin)
        name = child_name(self, item, names)
        if name is None:
            return self.unknown(item, names)
        types = tuple([self.types[number] for number in given])
        result = self.child(item, keys, name, types, names, device or self.device)
        if item.name is not None or result.planned is not None:
            self.made[name] = Made(len(self.children), item, names, result.planned)
        return self.called(name, result, given, item.origin)

    def called(self, name: str, result: Result, given: tuple[int, ...], origin: Origin) -> int:
        """Registers a child and its call."""
        first = len(self.types)
        numbers = (
            (first,) if len(result.types) == 1 else tuple(range(first, first + len(result.types)))
        )
        if self.is_chain and (
            len(given) > 1 or len(numbers) > 1 or given[0] != (first - 1 if self.children else 0)
        ):
            self.need_steps()
        if not self.is_chain:
            self.step("call", given, numbers, result, origin, len(self.children))
        self.children.append(result.planned)
        self.types.extend(result.types)
        self.named[name] = Named(numbers, result.outputs)
        return first

    def step(
        self,
        kind: Any,
        given: tuple[int, ...],
        numbers: tuple[int, ...],
        result: Result,
        origin: Origin,
        child: int | None,
    ) -> None:
        """One more step; none where a type is not known, since then there is no plan."""
        types = [self.types[number] for number in given]
        if result.planned is None or None in types or None in result.types:
            self.failed = True
            return
        self.steps.append(
            Step(
                kind,
                given,
                numbers,
                cast(tuple[TensorType, ...], tuple(types)),
                cast(tuple[TensorType, ...], result.types),
                origin,
                child,
                result.planned,
            )
        )

    def need_steps(self) -> None:
        """From here on the scope is more than its children in their order."""
        if not self.is_chain:
            return
        self.is_chain = False
        first = len(self.inputs)
        for index, child in enumerate(self.children):
            given = (first + index - 1 if index else 0,)
            number = first + index
            types = () if child is None else child.outputs
            result = Result(child, types, ("output",))
            origin = self.origin if child is None else child.origin
            self.step("call", given, (number,), result, origin, index)

    # ---- children

    def child(
        self,
        item: Item,
        keys: Keys,
        name: str,
        types: tuple[Known, ...],
        names: Environment,
        device: str | None,
        is_reused: bool = False,
    ) -> Result:
        """A child with what it gives."""
        path = self.prefix + name
        if item.repeat is not None:
            return self.repeated(item, keys, name, path, types, names, device, is_reused)
        return self.single(item, keys, name, path, types, names, device, is_reused)

    def single(
        self,
        item: Item,
        keys: Keys,
        name: str,
        path: str,
        types: tuple[Known, ...],
        names: Environment,
        device: str | None,
        is_reused: bool,
    ) -> Result:
        part = item.part
        if part.__class__ is Layer and part.type not in self.walk.blocks:
            layer = part
        elif isinstance(part, Layer | LayerTemplate):
            try:
                type, arguments = self.arguments(part, names, types[0], item.origin)
                block = self.walk.blocks.get(type)
                if block is not None:
                    return self.block(item, type, arguments, name, path, types, device, is_reused)
                span = item.origin
                layer = self.walk.layer(
                    type,
                    tuple([(n, self.plain(v, span.argument(n))) for n, v in arguments]),
                )
            except Skip:
                return UNKNOWN
        else:
            layers = (
                part
                if isinstance(part, Layers)
                else Layers((replace(item, name=None, keys=None, device=None, repeat=None),))
            )
            return self.inner(layers, item.origin, name, path, types, names, device, is_reused)
        application = self.walk.planner.apply(layer, item.origin, path, types)
        if application is None:
            return UNKNOWN
        init = None if keys.init is None else PlannedInit(keys.init, names)
        row = PlannedLayer(
            path, name, application, device, item.origin, is_reused or self.is_reused, init
        )
        self.walk.rows.append(row)
        return Result(row, application.outputs, application.output_names)

    def repeated(
        self,
        item: Item,
        keys: Keys,
        name: str,
        path: str,
        types: tuple[Known, ...],
        names: Environment,
        device: str | None,
        is_reused: bool,
    ) -> Result:
        """One container of ``repeat`` copies, so that keys are predictable."""
        times = item.repeat
        span = item.origin.reserved("repeat")
        if isinstance(times, Template):
            try:
                times = self.value(times, names, types[0], span)
            except Skip:
                return UNKNOWN
            if type(times) is not int or times < 0:
                message = f"`repeat` takes a whole number, but {item.repeat} is {times}"
                self.found.error("bad-value", message, span)
                return UNKNOWN
        assert isinstance(times, int)
        builder = ScopeBuilder(
            self.walk, path, device, Layers(), item.origin, is_reused or self.is_reused
        )
        if len(types) > 1:
            self.found.error(
                "misplaced-key", "copies in a row have one input each, not several", span
            )
            return UNKNOWN
        builder.begin({INPUT: types[0]})
        with self.nested(item.origin):
            value = 0
            for index in range(times):
                self.walk.count(item.origin, "repeat")
                copy = str(index)
                result = builder.single(
                    item,
                    keys,
                    copy,
                    builder.prefix + copy,
                    (builder.types[value],),
                    {**names, "index": index},
                    device,
                    False,
                )
                value = builder.called(copy, result, (value,), item.origin)
            builder.last = value
        return self.finished(builder, name, names)

    def inner(
        self,
        layers: Layers,
        origin: Origin,
        name: str,
        path: str,
        types: tuple[Known, ...],
        names: Environment,
        device: str | None,
        is_reused: bool,
    ) -> Result:
        """A scope of its own: nested layers, a block, or a composite that has a name."""
        builder = ScopeBuilder(self.walk, path, device, layers, origin, is_reused or self.is_reused)
        inputs = layers.inputs or (INPUT,)
        if layers.inputs == () and len(types) > 1 and len(layers.items) == 1:
            part = layers.items[0].part
            if part.__class__ in COMPOSITES:  # a merge with a name, of several values
                inputs = tuple(str(number) for number in range(len(types)))
        if len(inputs) != len(types):
            self.found.error(
                "wrong-inputs",
                f"this container takes {listed(inputs)}, but gets {len(types)} values"
                if len(types) > 1
                else f"this container takes {listed(inputs)}, but gets one value",
                origin.reserved("from"),
                help=[
                    f"name where they come from: `from: [{', '.join(inputs)}]`"
                    if len(inputs) > 1
                    else "name what it gets: `inputs: [a, b]` beside `layers`"
                ],
            )
            return UNKNOWN
        builder.begin(dict(zip(inputs, types, strict=True)))
        with self.nested(origin):
            builder.run(names)
        return self.finished(builder, name, names)

    def finished(self, builder: ScopeBuilder, name: str, names: Environment) -> Result:
        scope = builder.finish(name, names)
        if scope is None:
            return UNKNOWN
        return Result(scope, scope.outputs, scope.output_names)

    def block(
        self,
        item: Item,
        type: str,
        arguments: tuple[tuple[str | None, Any], ...],
        name: str,
        path: str,
        types: tuple[Known, ...],
        device: str | None,
        is_reused: bool,
    ) -> Result:
        """An instance of a block, a scope of its own."""
        block = self.walk.blocks[type]
        with inside_block(self.walk, block, item.origin) as may_enter:
            if not may_enter:
                return UNKNOWN
            names = block_environment(self.walk, block, arguments, item.origin, types[0])
            if names is None:
                return UNKNOWN
            return self.inner(
                block.layers, item.origin, name, path, types, names, device, is_reused
            )

    @contextmanager
    def nested(self, origin: Origin) -> Iterator[None]:
        """
        Raises:
            Skip: containers are nested too deep, which is reported.
        """
        self.walk.depth += 1
        try:
            if self.walk.depth > MAX_NESTING:
                message = f"containers are nested more than {MAX_NESTING} deep"
                self.found.error("too-deep", message, origin.span())
                raise Skip
            yield
        finally:
            self.walk.depth -= 1

    # ---- other parts

    def use(self, item: Item, part: Use, given: tuple[int, ...], names: Environment) -> int:
        """Calls an earlier child again."""
        try:
            child = self.text(part.child, names, item.origin.span())
        except Skip:
            return self.unknown(item, names)
        made = self.made.get(child)
        if made is None:
            references.report_unknown(self, child, item.origin.argument(None), "use")
            return self.unknown(item, names)
        types = tuple([self.types[number] for number in given])
        if made.planned is None:
            return self.unknown(item, names)
        note = Note(f"{child} is used again here", item.origin.span().locate())
        self.found.context.append(note)
        result = self.child(
            made.item,
            made.item.keys or NO_KEYS,
            child,
            types,
            made.names,
            made.planned.device,
            True,
        )
        self.found.context.pop()
        if result.planned is not None and not _alike(made.planned, result.planned):
            self.found.error(
                "shape-mismatch",
                f"{child} would have other weights for what reaches it here",
                item.origin.span(),
                notes=[
                    f"{self.prefix}{child} was made for {_inputs(made.planned)}, "
                    f"and gets {_inputs(result.planned)}"
                ],
                help=["shared weights take inputs of the same channels"],
            )
            result = UNKNOWN
        self.need_steps()
        first = len(self.types)
        numbers = tuple(range(first, first + len(result.types)))
        self.step("call", given, numbers, result, item.origin, made.place)
        self.types.extend(result.types)
        if item.name is not None:
            self.name_value(item, names, Named(numbers, result.outputs))
        return first

    def parameter(
        self, item: Item, part: RawParameter, given: tuple[int, ...], names: Environment
    ) -> int:
        """A parameter of the scope itself."""
        if item.name is None:
            self.found.error(
                "missing-name",
                "a parameter needs a name, which is its key",
                item.origin.span(),
                help=["write `{name: class_token, parameter: [1, 1, 768]}`"],
            )
            return self.unknown(item, names)
        name = child_name(self, item, names)
        try:
            sizes = [
                self.plain(
                    self.value(size, names, self.types[given[0]], item.origin.argument(None)),
                    item.origin.argument(None),
                )
                for size in part.shape
            ]
            for size in sizes:
                if type(size) is not int or size < 0:
                    message = f"a size is a whole number, not {size}"
                    self.found.error("bad-parameter", message, item.origin.argument(None))
                    raise Skip
            arguments = tuple(
                (argument, self.value(written, names, None, item.origin.argument(None)))
                for argument, written in part.init.arguments
            )
            shape = cast(tuple[int, ...], tuple(sizes))
            type_ = self.walk.planner.same(TensorType(shape))
        except Skip:
            return self.unknown(item, names)
        except Refusal as refusal:
            self.found.error("too-large-tensor", refusal.message, item.origin.span())
            return self.unknown(item, names)
        if name is None:
            return self.unknown(item, names)
        self.need_steps()
        number = len(self.types)
        init = replace(part.init, arguments=arguments)
        planned = PlannedParameter(self.prefix + name, name, shape, init, item.origin)
        self.steps.append(
            Step("parameter", (), (number,), (), (type_,), item.origin, len(self.parameters))
        )
        self.parameters.append(planned)
        if not self.is_reused:
            self.walk.parameters.append(planned)
        self.types.append(type_)
        self.sources.add(number)
        self.named[name] = Named((number,))
        return number

    def name_value(self, item: Item, names: Environment, value: Named) -> None:
        name = child_name(self, item, names)
        if name is not None:
            self.named[name] = value

    def unknown(self, item: Item, names: Environment) -> int:
        """A value that is not known, after an error; what follows is still looked at."""
        self.failed = True
        self.types.append(None)
        if item.name is not None:
            with suppress(EvaluationError, UnknownShape):
                self.named.setdefault(text_of(item.name, names), Named((len(self.types) - 1,)))
        return len(self.types) - 1

    # ---- values

    def value(self, written: Any, names: Environment, at: Known, span: Span) -> Any:
        """
        Raises:
            Skip: there is no value, which is reported, or was where its reason is.
        """
        if written.__class__ is not Template and written.__class__ is not tuple:
            return written
        try:
            return computed(written, names_at(names, at))
        except EvaluationError as problem:
            report(problem, span, self.found)
        except UnknownShape:
            pass
        raise Skip

    def text(self, name: Any, names: Environment, span: Span) -> str:
        """
        Raises:
            Skip: it is no text, which is reported.
        """
        try:
            return text_of(name, names)
        except EvaluationError as problem:
            report(problem, span, self.found)
        except UnknownShape:
            pass
        raise Skip

    def plain(self, value: Any, span: Span) -> Any:
        """
        Raises:
            Skip: the value depends on the input, which is reported.
        """
        try:
            return plain(value)
        except EvaluationError as problem:
            report(problem, span, self.found)
            raise Skip from None

    def arguments(
        self, part: Layer | LayerTemplate, names: Environment, at: Known, origin: Origin
    ) -> tuple[str, tuple[tuple[str | None, Any], ...]]:
        """
        Raises:
            Skip: one of them has no value.
        """
        if isinstance(part, Layer):
            return part.type, part.arguments
        here = names_at(names, at)
        type = self.text(part.type, here, origin.span())
        return type, tuple(
            [
                (name, self.value(written, names, at, origin.argument(name)))
                for name, written in part.arguments
            ]
        )

    def device_of(self, item: Item, names: Environment, otherwise: str | None) -> str | None:
        try:
            return self.text(item.device, names, item.origin.reserved("device"))
        except Skip:
            return otherwise


class Skip(Exception):
    """An item is left out; the reason is among the diagnostics."""


def _alike(first: PlannedChild, other: PlannedChild) -> bool:
    """Whether two plans of a child have the same weights and layers."""
    if isinstance(first, PlannedLayer) and isinstance(other, PlannedLayer):
        one, two = first.application, other.application
        return (
            one.type is two.type
            and one.written == two.written
            and one.parameters == two.parameters
            and one.buffers == two.buffers
        )
    if isinstance(first, PlannedScope) and isinstance(other, PlannedScope):
        return len(first.children) == len(other.children) and all(
            a.name == b.name and _alike(a, b)
            for a, b in zip(first.children, other.children, strict=True)
        )
    return False


def _inputs(child: PlannedChild) -> str:
    return ", ".join(map(str, child.inputs))
