"""Plans as JSON, and back: what another program may read, draw, or write."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from netspec.budget import MAX_LAYERS, MAX_NESTING, Budget, OutOfSteps, limited
from netspec.declaration import Refusal, TensorType
from netspec.declaration.tensor import DTYPES
from netspec.diagnostics import Diagnostics, Location, SpecError
from netspec.diagnostics.location import Place
from netspec.graph import (
    NO_RESULTS,
    Application,
    Graph,
    GraphBuilder,
    Init,
    Initialiser,
    Node,
    Operation,
    OwnParameter,
    Results,
)
from netspec.operators import OPERATORS
from netspec.planning.conditions import graph_conditions
from netspec.planning.merging import merge, split
from netspec.planning.needs import decide
from netspec.planning.plan import Plan, PlannedInitRule, PlannedTie, RuleInitialiser
from netspec.planning.planner import Planner
from netspec.registry import Registry, default_registry
from netspec.sizes import Expression, Size, SizeLimit, Symbol, symbol, symbols
from netspec.source import ScalarNode
from netspec.spec import Layer, Origin, Written
from netspec.templates import EvaluationError, Template, TemplateError, evaluate, parse_template

VERSION = 1
Json = dict[str, Any]
#: What a text that is no plan raises somewhere, when it is read as one.
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, EvaluationError, TemplateError)


def to_json(plan: Plan) -> str:
    """The text of a plan. Its graphs are in a list, each after those that it calls."""
    writer = _Writer()
    whole = writer.graph(plan.graph)
    return json.dumps(
        {
            "netspec_plan": VERSION,
            "name": plan.name,
            "sizes": {
                one.name: _named_size(one)
                for value in plan.inputs
                for size in value.type.shape
                for one in symbols(size)
            },
            "layers": writer.layers,
            "graphs": writer.graphs,
            "graph": whole,
            "init": [_rule(rule) for rule in plan.init],
            "ties": [[tie.source, *tie.others] for tie in plan.ties],
            "frozen": sorted(plan.frozen),
            "conditions": [str(condition) for condition in plan.conditions],
        }
    )


class _Writer:
    """Writes each different layer and graph once; others name it by its place."""

    def __init__(self) -> None:
        self.layers: list[Json] = []
        self.graphs: list[Json] = []
        self._places: dict[int, int] = {}

    def layer(self, layer: Application) -> int:
        if id(layer) not in self._places:
            self._places[id(layer)] = len(self.layers)
            self.layers.append(
                {
                    "layer": layer.name,
                    "of": layer.source,
                    "arguments": {name: _value(value) for name, value in layer.written.items()},
                    "inputs": list(layer.input_names),
                    "outputs": _types(layer.output_names, layer.outputs),
                    "parameters": {name: list(shape) for name, shape in layer.parameters},
                    "buffers": {name: list(shape) for name, shape in layer.buffers},
                    "macs": _size(layer.macs),
                    "shapes": layer.trust,
                }
            )
        return self._places[id(layer)]

    def graph(self, graph: Graph) -> int:
        if id(graph) not in self._places:
            nodes = [self.node(node) for node in graph.nodes]
            self._places[id(graph)] = len(self.graphs)
            written: Json = {
                "inputs": _types(*zip(*graph.inputs, strict=True)),
                "nodes": nodes,
                "outputs": _results(graph.results),
            }
            if graph.auxiliary.values:
                written["auxiliary"] = _results(graph.auxiliary)
            if graph.registered:
                written["register"] = list(graph.registered)
            self.graphs.append(written)
        return self._places[id(graph)]

    def node(self, node: Node) -> Json:
        body = node.body
        written: Json = {"name": node.name}
        if isinstance(body, Application):
            written["layer"] = self.layer(body)
        elif isinstance(body, Graph):
            written["graph"] = self.graph(body)
        elif isinstance(body, Operation):
            written["function"] = body.kind
            if body.dim is not None:
                written["dim"] = body.dim
            if body.stretched:
                written["stretched"] = list(body.stretched)
        else:
            written["parameter"] = {"shape": list(body.shape), "init": _initialiser(body.init)}
        written |= {"from": list(node.inputs), "to": list(node.outputs)}
        if node.device is not None:
            written["device"] = node.device
        if node.init is not None:
            written["init"] = {name: _initialiser(how) for name, how in node.init}
        if node.freeze is not None:
            written["freeze"] = node.freeze
        if node.is_again:
            written["again"] = True
        return written


def _types(names: tuple[str, ...], types: tuple[TensorType, ...]) -> Json:
    return {name: _type(type) for name, type in zip(names, types, strict=True)}


def _type(type: TensorType) -> Json:
    written: Json = {"shape": [_size(size) for size in type.shape], "dtype": type.dtype}
    if type.indexed is not None:
        written["indexed"] = [_size(size) for size in type.indexed]
    return written


def _size(size: Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def _named_size(one: Symbol) -> Json:
    if not one.declared and one.maximum is None and one.multiple_of == 1:
        return {}
    stated = {"min": one.minimum, "max": one.maximum, "multiple_of": one.multiple_of}
    return stated if one.declared else {**stated, "min": None}


def _results(results: Results) -> Json:
    return {
        "form": results.form,
        "names": list(results.names),
        "values": list(results.values),
    }


def _value(value: Written) -> Any:
    """A value of an argument; what JSON has no word for is in an object."""
    if isinstance(value, tuple):
        return [_value(item) for item in value]
    if isinstance(value, Template):
        return {"template": value.text}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _initialiser(how: Initialiser | RuleInitialiser) -> Json:
    return {how.name: {name: _value(value) for name, value in how.arguments}}


def _rule(rule: PlannedInitRule) -> Json:
    return {
        "layer": rule.type,
        "init": {name: _initialiser(how) for name, how in rule.init},
        "values": {name: _value(value) for name, value in rule.values},
    }


def from_json(text: str, registry: Registry | None = None) -> Plan:
    """The plan of a text; nothing that it names is imported, but what the registry has.

    Raises:
        ValueError: it is no plan of this version, or its layers give other shapes than it says.
        SpecError: a layer is not known, or refuses its arguments or inputs.
    """
    found = Diagnostics()
    plan = None
    try:
        values = json.loads(text)
        if values["netspec_plan"] != VERSION:
            raise ValueError(f"it is of version {values['netspec_plan']!r}, not {VERSION}")
        with limited(Budget()):
            plan = _Reader(values, registry or default_registry(), found).plan()
    except (OutOfSteps, SizeLimit) as problem:
        raise ValueError(f"the plan takes too much work: {problem}") from None
    except RecursionError:
        raise ValueError("this is no plan: it is nested too deep") from None
    except _UNREADABLE as problem:
        if not found.failed:
            raise ValueError(f"this is no plan: {problem!r}") from problem
    if plan is None or found.failed:
        raise SpecError(found.all())
    return plan


class _Reader:
    def __init__(self, values: Json, registry: Registry, found: Diagnostics) -> None:
        self.values = values
        self.registry = registry
        self.found = found
        self.planner = Planner(registry, found)
        self.sizes = {name: _read_size(name, stated) for name, stated in values["sizes"].items()}
        self.layers: dict[int, Layer] = {}
        self.applications: dict[tuple[int, tuple[TensorType, ...]], Application] = {}
        self.graphs: dict[int, Graph] = {}

    def plan(self) -> Plan:
        values, number = self.values, self.values["graph"]
        inputs = self.values["graphs"][number]["inputs"]
        types = tuple([self.type(written) for written in inputs.values()])
        graph = self.graph(number, types, 1)
        graph.lint()
        if graph.call_count > MAX_LAYERS:
            raise ValueError(f"it has more than {MAX_LAYERS:,} layers")
        plan = Plan(
            values["name"],
            graph,
            graph_conditions(graph),
            init=tuple([self.rule(rule) for rule in values["init"]]),
            frozen=frozenset(values["frozen"]),
            origin=_origin("the plan"),
        )
        shapes = {
            f"{row.path}.{own.name}": own.shape for row in plan.layers for own in row.parameters
        } | {own.path: own.shape for own in plan.parameters}
        ties = [PlannedTie(key, tuple(others), shapes[key]) for key, *others in values["ties"]]
        for tie in ties:
            if any(shapes[key] != tie.shape for key in tie.others):
                raise ValueError(f"{tie.source} is tied to a parameter of another shape")
        if not plan.frozen <= shapes.keys():
            raise ValueError("a parameter is frozen that is not there")
        return replace(plan, ties=tuple(ties))

    # ---- types

    def type(self, written: Json) -> TensorType:
        indexed = written.get("indexed")
        if written["dtype"] not in DTYPES:
            raise ValueError(f"there is no dtype {written['dtype']!r}")
        type = TensorType(
            tuple([self.size(size) for size in written["shape"]]),
            written["dtype"],
            None if indexed is None else tuple([self.size(size) for size in indexed]),
        )
        return self.planner.same(type)

    def size(self, written: int | str) -> Size:
        """A number, or an expression of the named sizes as it was written."""
        if type(written) is int and written >= 0:
            return written
        if not isinstance(written, str):
            raise ValueError(f"{written!r} is no size")
        if written in self.sizes:
            return self.sizes[written]
        template = parse_template(f"$({written})")
        size = evaluate(template, self.sizes) if isinstance(template, Template) else None
        if not isinstance(size, Expression) or str(size) != written:
            raise ValueError(f"{written} is no size of the inputs' named sizes")
        return size

    # ---- graphs

    def graph(self, number: int, types: tuple[TensorType, ...], depth: int) -> Graph:
        written = self.values["graphs"][number]
        if depth > MAX_NESTING:
            raise ValueError(f"containers are nested more than {MAX_NESTING} deep")
        if [_type(type) for type in types] != list(written["inputs"].values()):
            raise ValueError(f"graph {number} gets other inputs than it says")
        known = self.graphs.get(number)
        if known is not None:
            return known
        builder = GraphBuilder(tuple(written["inputs"]), types)
        for place, node in enumerate(written["nodes"]):
            where = f"graphs[{number}].nodes[{place}]"
            made = self.node(builder, node, number, depth, where)
            if list(made) != node["to"]:
                raise ValueError(f"{where} makes the values {list(made)}, not {node['to']}")
        graph = builder.finish(
            _read_results(written["outputs"]),
            _read_results(written["auxiliary"]) if "auxiliary" in written else NO_RESULTS,
            tuple(written.get("register", ())),
        )
        assert graph is not None
        self.graphs[number] = graph
        return graph

    def node(
        self, builder: GraphBuilder, written: Json, around: int, depth: int, where: str
    ) -> tuple[int, ...]:
        given = tuple(written["from"])
        if not all(type(number) is int and number >= 0 for number in given):
            raise ValueError(f"{where} reads what are no values")
        types = tuple([cast(TensorType, builder.types[number]) for number in given])
        origin = _origin(where)
        if "function" in written:
            return builder.operate(self.operation(written, types), given, origin)
        name, device, freeze = _name(written["name"]), written.get("device"), written.get("freeze")
        if "parameter" in written:
            own = written["parameter"]
            body = OwnParameter(
                self.planner.same(TensorType(tuple(own["shape"]))), self.initialiser(own["init"])
            )
            return (builder.parameter(name, body, origin, device=device, freeze=freeze),)
        if "graph" in written:
            number = written["graph"]
            if not 0 <= number < around:  # then no graph calls itself
                raise ValueError(f"{where} calls graph {number}, which does not come before")
            called: Application | Graph = self.graph(number, types, depth + 1)
        else:
            called = self.application(written["layer"], types, origin, name)
        init = written.get("init")
        return builder.call(
            name,
            called,
            given,
            origin,
            device=device,
            init=None if init is None else self.init(init),
            freeze=freeze,
            is_again=written.get("again", False),
        )

    def operation(self, written: Json, types: tuple[TensorType, ...]) -> Operation:
        kind, dim = written["function"], written.get("dim")
        operator = OPERATORS[kind]
        if not operator.takes(len(types)):
            raise ValueError(f"{kind} does not take {len(types)} values")
        try:
            if operator.call == "cut":
                pieces, needs = split(types[0], cast(int, dim), len(written["to"]))
                conditions = tuple([one for need in needs for one in decide(need)])
                parts = tuple([self.planner.same(piece) for piece in pieces])
                return Operation(kind, types, parts, dim, conditions=conditions)
            stretched = tuple(written.get("stretched", ()))
            type, macs = merge(operator, types, 0 if dim is None else dim, None, stretched)
            return Operation(kind, types, (self.planner.same(type),), dim, stretched, macs)
        except Refusal as refusal:
            raise ValueError(refusal.message) from None

    def application(
        self, number: int, types: tuple[TensorType, ...], origin: Origin, name: str
    ) -> Application:
        known = self.applications.get((number, types))
        if known is not None:
            return known
        written = self.values["layers"][number]
        layer = self.layers.get(number)
        if layer is None:
            arguments = [(name, _read_value(one)) for name, one in written["arguments"].items()]
            layer = self.layers[number] = Layer(written["layer"], cast(Any, tuple(arguments)))
        outputs = written["outputs"]
        stated = None
        if written["shapes"] == "stated":
            stated = self.type(next(iter(outputs.values()))).shape
        names = tuple(written["inputs"])
        made = self.planner.apply(layer, origin, name, types, names, stated)
        if made is None:
            raise _Refused(name)
        found = _types(made.output_names, made.outputs)
        if (
            found != outputs
            or {one.name: list(one.shape) for one in made.parameters} != (written["parameters"])
        ):
            raise ValueError(
                f"{made.type.name} of {made.source} gives {found}, but the plan says {outputs}, "
                f"of {written['of']}"
            )
        self.applications[number, types] = made
        return made

    # ---- how parameters begin

    def init(self, written: Json) -> Init:
        return tuple([(name, self.initialiser(how)) for name, how in written.items()])

    def initialiser(self, written: Json) -> Initialiser:
        how = self.rule_initialiser(written)
        if any(isinstance(value, Template) for _, value in how.arguments):
            raise ValueError(f"an argument of {how.name} is not computed")
        return Initialiser(how.name, how.target, cast(Any, how.arguments), how.brought_by)

    def rule_initialiser(self, written: Json) -> RuleInitialiser:
        [(name, arguments)] = written.items()
        candidates = self.registry.initialisers_named(name)
        if len(candidates) != 1:
            raise ValueError(f"there is no initialiser {name!r}: is its plugin installed?")
        declared, plugin = candidates[0].value.declared, candidates[0].plugin
        if not all(declared.argument(argument) for argument in arguments):
            raise ValueError(f"{name} has no such arguments: {', '.join(arguments)}")
        given = tuple([(argument, _read_value(one)) for argument, one in arguments.items()])
        package = "" if plugin.package == "netspec" else str(plugin)
        return RuleInitialiser(name, declared.target, given, package)

    def rule(self, written: Json) -> PlannedInitRule:
        registered = self.registry.find(written["layer"])
        if registered is None:
            raise ValueError(f"there is no layer {written['layer']!r}: is its plugin installed?")
        init = [(name, self.rule_initialiser(how)) for name, how in written["init"].items()]
        values = [(name, _read_value(value)) for name, value in written["values"].items()]
        return PlannedInitRule(
            written["layer"],
            registered.layer.target,
            tuple(init),
            tuple(registered.layer.arguments),
            cast(Any, tuple(values)),
            _origin("init").span(),
        )


class _Refused(ValueError):
    """A layer is refused; the reason is among the diagnostics."""


def _read_size(name: str, stated: Mapping[str, int | None]) -> Size:
    return symbol(
        name,
        minimum=stated.get("min"),
        maximum=stated.get("max"),
        multiple_of=stated.get("multiple_of") or 1,
    )


def _read_results(written: Json) -> Results:
    if written["form"] not in ("single", "tuple", "dict"):
        raise ValueError(f"{written['form']!r} is no form of outputs")
    return Results(tuple(written["values"]), tuple(written["names"]), written["form"])


def _read_value(written: Any) -> Written:
    if isinstance(written, list):
        return tuple([_read_value(item) for item in written])
    if isinstance(written, dict):
        if "template" in written:
            return parse_template(written["template"])
        return float(written["float"])
    if not isinstance(written, None | bool | int | float | str):
        raise ValueError(f"{written!r} is no value")
    return written


def _name(written: object) -> str:
    if not isinstance(written, str) or not written or "." in written:
        raise ValueError(f"{written!r} is no name of a child")
    return written


def _origin(path: str) -> Origin:
    """The place of a node in the JSON."""
    node = ScalarNode(None, 0, 0)
    return Origin(Place(Location("plan", path=path)), node, node, None)
