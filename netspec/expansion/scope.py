"""One container while it is written out: its children, its values, and the steps between them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

from netspec.budget import BRANCH, ITEM
from netspec.diagnostics import Span
from netspec.expansion import composites, references
from netspec.expansion.children import Child, Request, make_child
from netspec.expansion.cycles import Reads
from netspec.expansion.initialisers import rule_init
from netspec.expansion.input_names import may_have_names
from netspec.expansion.lints import report_lints
from netspec.expansion.module_names import TAKEN_NAMES
from netspec.expansion.names import child_name, register
from netspec.expansion.parameters import parameter
from netspec.expansion.results import planned_results
from netspec.expansion.sharing import Made, use
from netspec.expansion.stated import require_stated, stated_shape
from netspec.expansion.values import (
    Arguments,
    At,
    Environment,
    Skip,
    UnknownShape,
    computed,
    names_at,
    opened,
    plain,
    report,
    text_of,
)
from netspec.expansion.walk import Walk
from netspec.graph import NO_RESULTS, Application, Graph, GraphBuilder, Node, Results
from netspec.planning.planner import Known
from netspec.spec import (
    COMPOSITES,
    Item,
    Keys,
    Layer,
    Layers,
    LayerTemplate,
    Name,
    Origin,
    Pass,
    RawParameter,
    Use,
)
from netspec.templates import EvaluationError, Template, truth

NO_KEYS = Keys()


class Named(NamedTuple):
    """What an item gave: the numbers of its values, and what they are called."""

    values: tuple[int, ...]
    outputs: tuple[str, ...] = ("output",)


class Run(NamedTuple):
    """Items that became nodes one after the other, the first of them at ``place``."""

    place: int
    items: Sequence[Item]
    names: Environment
    device: str | None


class ScopeBuilder:
    """Writes the items of a scope out. A value of the graph is a number."""

    graph: GraphBuilder
    #: The types of the values, by their numbers; None after an error.
    types: list[Known]

    def __init__(
        self,
        walk: Walk,
        path: str,
        device: str | None,
        layers: Layers,
        origin: Origin,
        written: Origin | None = None,
    ) -> None:
        self.walk = walk
        self.found = walk.found
        self.path = path
        self.prefix = f"{path}." if path else ""
        self.device = device
        self.freeze: bool | None = None
        self.layers = layers
        self.origin = origin
        self.written = written or origin  # of `outputs` and `register`
        self._named: dict[str, Named] = {}
        self.names: dict[str, Origin] = {}
        self._made: dict[str, Made] = {}
        self.runs: list[Run] = []
        self.sources: set[int] = set()  # values that are parameters
        self.unnamed = 0
        self.last = 0

    # ---- begin and end

    def begin(self, inputs: dict[str, Known]) -> None:
        self.graph = GraphBuilder(tuple(inputs), tuple(inputs.values()))
        self.types = self.graph.types
        for number, name in enumerate(inputs):
            self.named[name] = Named((number,))

    def run(self, names: Environment) -> None:
        """Writes the scope's own items out."""
        self.last = self.chain(self.layers, 0, names, None)

    def finish(self, names: Environment) -> Graph | None:
        """The finished graph; None where something in it is wrong."""
        results, auxiliary = Results((self.last,)), NO_RESULTS
        layers = self.layers
        if layers.outputs is not None or layers.auxiliary is not None:
            found = planned_results(self, layers, names)
            if found is None:
                return None
            results, auxiliary = found
        registered = register(self, names) if layers.register else ()
        graph = self.graph.finish(results, auxiliary, registered)
        if graph is not None:
            report_lints(graph, self.prefix, self.found)
        return graph

    # ---- items: each method takes the number of a value and gives the number of its result

    def chain(self, layers: Layers, value: int, names: Environment, device: str | None) -> int:
        items, place = layers.items, 0
        self.walk.budget.spend(BRANCH)
        while place < len(items):
            item = items[place]
            if item.part.__class__ is Layer and item.keys is None:
                place, value = self.known_layers(items, place, value, names, device)
                if place == len(items):
                    break
                item = items[place]
            place += 1
            self.walk.budget.enter(item.origin, ITEM)
            if item.keys is not None:
                value = self.keyed(item, item.keys, value, names, device)
            else:
                value = self.part(item, NO_KEYS, (value,), names, device)
        return value

    def known_layers(
        self,
        items: Sequence[Item],
        place: int,
        value: int,
        names: Environment,
        device: str | None,
    ) -> tuple[int, int]:
        """What ``part`` does, in a few steps, for items as long as they are layers as there were
        before, for values of the same types.

        Gives the place of the first other item, and the last value.
        """
        walk, taken, applied = self.walk, self.names, self.walk.planner.applications
        graph, device = self.graph, device or self.device
        nodes, types, first = graph.nodes, graph.types, place
        begin, given, number, at = len(nodes), (value,), len(types), types[value]
        end = min(len(items), place + walk.room())
        while place < end:
            item = items[place]
            part = item.part
            if part.__class__ is not Layer or item.keys is not None:
                break
            if item.repeat is not None or item.device is not None:
                break
            application = applied.get((id(part), id(at)))
            if application is None or len(application.outputs) > 1 or part.type in walk.blocks:
                break
            if application.warnings or application.type.is_changing:
                break
            name = item.name
            if name is None:
                name = str(self.unnamed)
            elif name.__class__ is not str or name in TAKEN_NAMES:
                break
            if name in taken:
                break
            taken[name] = item.origin
            init = rule_init(walk, application) if walk.rules else None
            if item.name is None:
                self.unnamed += 1
            freeze = self.freeze if application.parameters else None
            made = (number,)
            nodes.append(Node(name, application, given, made, device, init, freeze))
            at = application.outputs[0]
            types.append(at)
            given = made
            number += 1
            place += 1
        if place == first:
            return place, value
        written = items[first:place]
        graph.origins += [item.origin for item in written]
        walk.modules += place - first
        walk.budget.spend((place - first) * ITEM)
        self.runs.append(Run(begin, written, names, device))
        return place, number - 1

    def list_runs(self) -> None:
        """Names the values of the runs, for the few scopes where somebody asks for them."""
        runs, self.runs = self.runs, []
        for place, items, names, device in runs:
            nodes = self.graph.nodes[place : place + len(items)]
            for item, node in zip(items, nodes, strict=True):
                self._named[node.name] = Named(node.outputs)
                body = cast(Application, node.body)
                self._made[node.name] = Made(item, names, body, device)

    @property
    def named(self) -> dict[str, Named]:
        """The values by name."""
        if self.runs:
            self.list_runs()
        return self._named

    @property
    def made(self) -> dict[str, Made]:
        """The children by name."""
        if self.runs:
            self.list_runs()
        return self._made

    def keyed(
        self, item: Item, keys: Keys, value: int, names: Environment, device: str | None
    ) -> int:
        """An item with reserved keys that few have."""
        given: tuple[int, ...] = (value,)
        stays = self.stays(keys, names)
        if stays is False:
            return self.left_out(item, keys, value, names)
        try:
            if keys.inputs:
                given = references.resolve(self, keys.inputs, item.origin, names)
                if not given:
                    return self.unknown(item, names)
            at = self.types[given[0]]
            if keys.let:
                names, own = opened(names)
                for name, written in keys.let:
                    own[name] = self.value(written, names, at, item.origin.reserved("let"))
            if stays is None:
                if not self.is_true(keys.when, names, at, item.origin.reserved("when")):
                    return self.left_out(item, keys, value, names)
            freeze = self.freeze
            if keys.freeze is not None:
                freeze = self.is_true(keys.freeze, names, at, item.origin.reserved("freeze"))
            if keys.shape is not None:
                stated = stated_shape(self, item, keys.shape, names, at)
                keys = keys._replace(shape=cast(Any, stated))
        except Skip:
            return self.unknown(item, names)
        before = len(self.graph.nodes)
        around, self.freeze = self.freeze, freeze
        try:
            number = self.part(item, keys, given, names, device)
        finally:
            self.freeze = around
        if keys.shape is not None:
            require_stated(self, item, stated, self.types[number])
        if keys.freeze is not None and self.types[number] is not None:
            self.walk.decides_freeze = True
            made = self.graph.nodes[before:]
            if not any(node.body.has_parameters and not node.is_again for node in made):
                message = "`freeze` has no effect here: there are no parameters"
                span = item.origin.key_span("freeze")
                self.found.error("misplaced-key", message, span, help=["remove it"])
        return number

    def stays(self, keys: Keys, names: Environment) -> bool | None:
        """Whether ``when`` keeps the item; None where that depends on its input or its ``let``.

        It is asked before anything else of the item, of which nobody may have need:
        ``{when: $(i > 0), from: "h$(i - 1)", relu: }``.
        """
        when = keys.when
        if when.__class__ is bool:
            return bool(when)
        if any(name in str(when) for name, _ in keys.let):
            return None
        try:
            return truth(computed(when, names))
        except (EvaluationError, UnknownShape):
            return None

    def left_out(self, item: Item, keys: Keys, value: int, names: Environment) -> int:
        """The value that an item passes on whose ``when`` is false, under its name too.

        It is the one that ``from`` names; where that is none or several, the one before the item.
        """
        passed = references.one_of(self, keys.inputs, names) if keys.inputs else None
        passed = value if passed is None else passed
        if item.name is not None:
            try:
                name = text_of(item.name, names_at(names, self.types[passed]))
            except (EvaluationError, UnknownShape):
                return passed
            self.named.setdefault(name, Named((passed,)))
        return passed

    def part(
        self, item: Item, keys: Keys, given: tuple[int, ...], names: Environment, device: str | None
    ) -> int:
        part = item.part
        if keys.input_names and not may_have_names(self, item, keys, given):
            return self.unknown(item, names)
        at = self.types[given[0]]
        device = device if item.device is None else self.device_of(item, names, at, device)
        if item.repeat is None:
            if part.__class__ in COMPOSITES and (
                item.name is None or not composites.branches(part)
            ):
                value = composites.write_out(self, item, given, names, device)
                self.name_value(item, names, given, (value,))
                return value
            if isinstance(part, Use):
                return use(self, item, part, given, names)
            if isinstance(part, Pass):
                if len(given) > 1:
                    message = f"an item of `from` alone takes one value, not {len(given)}"
                    help = "name what is done with them: `{add: , from: [a, b]}`"
                    span = item.origin.reserved("from")
                    self.found.error("wrong-inputs", message, span, help=[help])
                    return self.unknown(item, names)
                self.name_value(item, names, given, given[:1])
                return given[0]
            if isinstance(part, RawParameter):
                return parameter(self, item, part, at, names, device or self.device)
        self.walk.count(item.origin)
        name = child_name(self, item, names, at)
        if name is None:
            return self.unknown(item, names)
        types = tuple([self.types[number] for number in given])
        request = Request(item, keys, name, types, names, device or self.device)
        if keys.input_names:
            request = request._replace(input_names=keys.input_names)
        child = make_child(self, request)
        if item.name is not None or child.body is not None:
            self.made[name] = Made(item, names, child.body, request.device)
        return self.called(name, child, child.ordered(given), item.origin)

    def inner(
        self, request: Request, layers: Layers, written: Origin | None = None
    ) -> ScopeBuilder:
        """The builder of a container in this one."""
        inner = ScopeBuilder(
            self.walk,
            self.prefix + request.name,
            request.device,
            layers,
            request.item.origin,
            written,
        )
        inner.freeze = self.freeze
        return inner

    # ---- calls

    def called(self, name: str, child: Child, given: tuple[int, ...], origin: Origin) -> int:
        """Adds a child with its call; gives the number of its first result."""
        numbers = self.call(name, child, given, origin)
        self.named[name] = Named(numbers, child.outputs)
        return numbers[0]

    def call(
        self,
        name: str,
        child: Child,
        given: tuple[int, ...],
        origin: Origin,
        is_again: bool = False,
    ) -> tuple[int, ...]:
        """A call of a child; gives the numbers of its results."""
        body = child.body
        if body is None:
            return self.graph.unknown()
        is_frozen = body.__class__ is Application and body.parameters and not is_again
        return self.graph.call(
            name,
            body,
            given,
            origin,
            device=child.device,
            init=child.init,
            freeze=self.freeze if is_frozen else None,
            is_again=is_again,
        )

    # ---- values of the graph

    def name_value(
        self,
        item: Item,
        names: Environment,
        given: tuple[int, ...],
        numbers: tuple[int, ...],
        outputs: tuple[str, ...] = ("output",),
    ) -> None:
        """Gives values the name of the item, if it has one."""
        if item.name is not None:
            name = child_name(self, item, names, self.types[given[0]])
            if name is not None:
                self.name_numbers(name, numbers, outputs)

    def name_numbers(
        self, name: str, numbers: tuple[int, ...], outputs: tuple[str, ...] = ("output",)
    ) -> None:
        self.named[name] = Named(numbers, outputs)

    def unknown(self, item: Item, names: Environment) -> int:
        """A value that is not known, after an error; what follows is still looked at."""
        number = self.lost()
        if item.name is not None:
            try:
                name = text_of(item.name, names_at(names, None))
            except (EvaluationError, UnknownShape):
                return number
            self.named.setdefault(name, Named((number,)))
        return number

    def lost(self) -> int:
        """The number of a value that is not known, after an error."""
        return self.graph.unknown()[0]

    @cached_property
    def reads(self) -> Reads:
        """What its items take from each other, for those that are wrong."""
        return Reads(self.layers)

    # ---- values

    def value(self, written: Any, names: Environment, at: At, span: Span) -> Any:
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

    def is_true(self, written: Any, names: Environment, at: At, span: Span) -> bool:
        """
        Raises:
            Skip: there is no value, or it depends on a size that is not known; it is reported.
        """
        try:
            return truth(self.value(written, names, at, span))
        except EvaluationError as problem:
            report(problem, span, self.found)
        raise Skip

    def text(self, name: Name, names: Environment, at: At, span: Span) -> str:
        """
        Raises:
            Skip: it is no text, which is reported.
        """
        if name.__class__ is str:
            return name
        try:
            return text_of(name, names_at(names, at))
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
    ) -> tuple[str, Arguments]:
        """
        Raises:
            Skip: one of them has no value.
        """
        if isinstance(part, Layer):
            return part.type, part.arguments
        type = self.text(part.type, names, at, origin.span())
        arguments = []
        for name, written in part.arguments:
            if written.__class__ is Template or written.__class__ is tuple:
                written = self.value(written, names, at, origin.argument(name))
            arguments.append((name, written))
        return type, tuple(arguments)

    def device_of(
        self, item: Item, names: Environment, at: Known, otherwise: str | None
    ) -> str | None:
        assert item.device is not None
        span = item.origin.reserved("device")
        try:
            device = self.text(item.device, names, at, span)
        except Skip:
            return otherwise
        self.walk.require_device(device, span)
        return device
