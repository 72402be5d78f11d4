"""The Plan: a model with every shape, parameter and cost known, as frozen values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from netspec.declaration import LayerType, TensorType, Work
from netspec.diagnostics import Diagnostic, Span
from netspec.operators import Operator, operator_of
from netspec.sizes import Size
from netspec.spec import Origin, Value, Written
from netspec.templates import Names

#: What a layer's shapes are known from: its rule, a proof, runs without memory, or the spec.
Trust = Literal["rule", "proven", "probed", "stated"]


class Condition(NamedTuple):
    """Something that the sizes must fulfil for the model to work (``H >= 63``)."""

    text: str
    symbol: str | None = None
    least: int | None = None

    def __str__(self) -> str:
        return self.text


class Parameter(NamedTuple):
    """A parameter or buffer of a layer, named as in ``state_dict``."""

    name: str
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        """The number of values, as ``Tensor.numel`` says it."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """A layer type with its arguments, applied to inputs. Equal layers of a plan share one.

    ``arguments`` are all of them with torch's names; ``written`` those to pass to the class (the
    written and the inferred ones). ``input_names`` say which of the type's inputs there are.
    ``macs`` are the multiply-adds of one call. ``saves`` and ``saved_bytes`` are what is kept for
    the backward pass, as the Output of the rule says it. ``trust`` says where the shapes are from,
    ``source`` is the package and version that the layer is from. ``conditions`` are what has to
    be true of the named sizes, ``warnings`` what its rule warns of. ``scratch`` and ``work`` are
    those of the Output.
    """

    type: LayerType
    arguments: Mapping[str, Value]
    written: Mapping[str, Value]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    output_names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    buffers: tuple[Parameter, ...]
    macs: Size
    saves: tuple[str, ...] = ()
    saved_bytes: Size = 0
    is_view: bool = False
    input_names: tuple[str, ...] = ()
    source: str = ""
    trust: Trust = "rule"
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[str, ...] = ()
    scratch: tuple[Size, Size] | None = None
    work: tuple[Work, ...] = ()
    is_counted: bool = True

    @property
    def overwrites_input(self) -> bool:
        """Whether it changes the memory of its first input: then it has an argument ``inplace``.

        Its output is in the same memory; of some of torch's classes ``inplace`` has no effect.
        """
        in_place = self.arguments.get("inplace") is True
        return in_place and (self.is_view or self.trust != "rule")

    @property
    def keywords(self) -> tuple[str, ...]:
        """The names of the last inputs, those that the module gets by keyword."""
        return tuple([name for name in self.input_names if name in self.type.keyword_inputs])

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel for parameter in self.parameters)


class PlannedInitialiser(NamedTuple):
    """A function that fills a parameter in place, by its dotted path, with its arguments.

    ``brought_by`` is the package of one that is not torch's.
    """

    name: str
    target: str
    arguments: tuple[tuple[str, Value], ...] = ()
    brought_by: str = ""


#: How the parameters of a layer begin, by their names in the layer.
PlannedInit = tuple[tuple[str, PlannedInitialiser], ...]


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """One call of a layer: a row of the plan. ``path`` is the prefix of its state_dict keys.

    ``is_reused`` is a further call of a layer that has a row already. ``init`` says how its
    parameters begin, by its own ``init`` or by the rule for its kind; None is torch's own way.
    """

    path: str
    name: str
    application: Application = field(repr=False)
    device: str | None
    origin: Origin = field(repr=False, compare=False)
    is_reused: bool = False
    init: PlannedInit | None = field(default=None, repr=False)

    @property
    def type(self) -> str:
        """The layer's name in the registry (``conv2d``)."""
        return self.application.type.name

    @property
    def arguments(self) -> Mapping[str, Value]:
        """All arguments; inferred ones and defaults are filled in."""
        return self.application.arguments

    @property
    def inputs(self) -> tuple[TensorType, ...]:
        return self.application.inputs

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.application.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.application.outputs[0].shape

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.application.parameters

    @property
    def buffers(self) -> tuple[Parameter, ...]:
        return self.application.buffers

    @property
    def params(self) -> int:
        """The number of values in the layer's parameters; none where it has a row already."""
        return 0 if self.is_reused else self.application.parameter_count

    @property
    def buffer_numel(self) -> int:
        """The number of values in the layer's buffers; none where it has a row already."""
        return 0 if self.is_reused else sum(buffer.numel for buffer in self.buffers)

    @property
    def macs(self) -> Size:
        """Multiply-adds of one forward pass."""
        return self.application.macs

    @property
    def trust(self) -> Trust:
        """What its shapes are known from."""
        return self.application.trust

    @property
    def output_bytes(self) -> Size:
        """The bytes of all outputs of this call; those of a view are its input's."""
        total: Size = 0
        for output in self.outputs:
            total = total + output.nbytes
        return total


@dataclass(frozen=True, slots=True)
class PlannedParameter:
    """A parameter of a container itself; ``path`` is its key in ``state_dict``."""

    path: str
    name: str
    shape: tuple[int, ...]
    init: PlannedInitialiser
    origin: Origin = field(repr=False, compare=False)
    device: str | None = None

    @property
    def numel(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a container's wiring. Values are numbers: the container's inputs come first.

    A ``call`` calls the child at index ``child``; ``planned`` is what it does in this call. A
    ``parameter`` gives one of the container's own parameters, at index ``child``. The others are
    operators, which merge or split values; ``stretched`` are the places of those whose sizes of 1 a
    concat stretches. ``is_auxiliary`` is a step that only what is given in training needs.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_types: tuple[TensorType, ...] = field(repr=False)
    output_types: tuple[TensorType, ...] = field(repr=False)
    origin: Origin = field(repr=False, compare=False)
    child: int | None = None
    planned: PlannedChild | None = field(default=None, repr=False)
    dim: int | None = None
    stretched: tuple[int, ...] = ()
    macs: Size = 0
    is_auxiliary: bool = False

    @property
    def operator(self) -> Operator | None:
        """The operator; None for a call and a parameter."""
        return operator_of(self.kind)


class Results(NamedTuple):
    """What a container gives: one value, a tuple, or a dict with the names as keys."""

    values: tuple[int, ...]
    names: tuple[str, ...] = ("output",)
    form: Literal["single", "tuple", "dict"] = "single"


NO_RESULTS = Results((), ())


@dataclass(frozen=True, slots=True)
class PlannedScope:
    """A container.

    ``steps`` is None where the children are called in their order, each with the output of the
    one before: that is a plain ``nn.Sequential``. ``auxiliary`` is given in training only.
    """

    path: str
    name: str
    children: tuple[PlannedChild, ...] = field(repr=False)
    parameters: tuple[PlannedParameter, ...] = field(repr=False)
    steps: tuple[Step, ...] | None = field(repr=False)
    results: Results
    auxiliary: Results
    input_names: tuple[str, ...]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    device: str | None
    origin: Origin = field(repr=False, compare=False)
    is_reused: bool = False

    @property
    def output_names(self) -> tuple[str, ...]:
        """What its outputs are called, where there are several."""
        return self.results.names


PlannedChild = PlannedLayer | PlannedScope


class RuleInitialiser(NamedTuple):
    """An initialiser of a rule; a Template is computed from the arguments of each module."""

    name: str
    target: str
    arguments: tuple[tuple[str, Written], ...] = ()
    brought_by: str = ""


class PlannedInitRule(NamedTuple):
    """How the parameters of modules of a class begin that are inside of layers.

    Those of the plan's own rows are in ``PlannedLayer.init``. Templates may use the ``arguments``
    that a module of the class has, and the ``values`` of the spec.
    """

    target: str
    init: tuple[tuple[str, RuleInitialiser], ...]
    arguments: tuple[str, ...]
    values: Names
    span: Span


class PlannedTie(NamedTuple):
    """All keys of ``state_dict`` that hold one parameter; no key is in two ties.

    ``source`` is the key that the spec ties to no other: its layer initialises the parameter.
    ``others`` are the rest, in the order of the spec.
    """

    source: str
    others: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the source first."""
        return (self.source, *self.others)


class PlannedInput(NamedTuple):
    """An input of the model."""

    name: str
    type: TensorType


class SavedForBackward(NamedTuple):
    """The bytes that autograd keeps for the backward pass, as torch's saved_tensors_hooks see them.

    ``layers`` are what each row of ``Plan.layers`` adds. A tensor that several save, or whose
    views are saved, counts once, at the first of them. ``total`` has also what merges save.
    Parameters and buffers are not counted.
    """

    layers: tuple[Size, ...]
    total: Size


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked model. Sizes are ints, or exact expressions of the input's named sizes."""

    name: str | None
    inputs: tuple[PlannedInput, ...]
    root: PlannedScope
    layers: tuple[PlannedLayer, ...] = field(repr=False)
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)
    parameters: tuple[PlannedParameter, ...] = field(default=(), repr=False)
    init: tuple[PlannedInitRule, ...] = field(default=(), repr=False, compare=False)
    ties: tuple[PlannedTie, ...] = ()
    #: The keys in ``state_dict`` of the parameters that are not trained.
    frozen: frozenset[str] = field(default=frozenset(), repr=False)

    def __repr__(self) -> str:
        from netspec.render import plan_summary  # which renders plans

        return f"<Plan {plan_summary(self)}>"

    def __str__(self) -> str:
        """The table of ``netspec show``."""
        from netspec.render import plan_table, terminal_width

        return plan_table(self, terminal_width())

    def _repr_html_(self) -> str:
        from netspec.render import plan_html

        return plan_html(self)

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        return self.root.outputs

    @property
    def output_shape(self) -> tuple[Size, ...]:
        """The shape of the (first) output."""
        return self.root.outputs[0].shape

    @property
    def total_params(self) -> int:
        """The number of values in all parameters; tied and shared ones are counted once."""
        own = sum(parameter.numel for parameter in self.parameters)
        tied = sum(math.prod(tie.shape) * len(tie.others) for tie in self.ties)
        return sum(layer.params for layer in self.layers) + own - tied

    @property
    def trained_params(self) -> int:
        """The number of values in the parameters that are not frozen."""
        others = {other for tie in self.ties for other in tie.others}
        frozen = sum(own.numel for own in self.parameters if own.path in self.frozen - others)
        if self.frozen:
            frozen += sum(
                parameter.numel
                for row in self.layers
                if not row.is_reused
                for parameter in row.parameters
                if (key := f"{row.path}.{parameter.name}") in self.frozen and key not in others
            )
        return self.total_params - frozen

    @property
    def total_buffer_numel(self) -> int:
        """The number of values in all buffers."""
        return sum(layer.buffer_numel for layer in self.layers)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The types of layers whose multiply-adds are not known, and not in ``total_macs``."""
        unknown = (layer.type for layer in self.layers if not layer.application.is_counted)
        return tuple(dict.fromkeys(unknown))

    @property
    def total_macs(self) -> Size:
        """Multiply-adds of one forward pass in evaluation, without auxiliary outputs.

        Twice this are the FLOPs of torch's flop_counter.

        Raises:
            SizeLimit: it is a sum of more different terms than an expression may have.
        """
        # Equal layers are added once: a thousand additions of expressions would take a while.
        times: Counter[int] = Counter()
        applications: dict[int, Application] = {}
        total: Size = 0
        waiting: list[PlannedChild] = [self.root]
        while waiting:
            child = waiting.pop()
            if isinstance(child, PlannedLayer):
                times[id(child.application)] += 1
                applications[id(child.application)] = child.application
            elif child.steps is None:
                waiting.extend(child.children)
            else:
                for step in child.steps:
                    if step.is_auxiliary:
                        continue
                    if step.planned is not None:
                        waiting.append(step.planned)
                    elif step.macs != 0:
                        total = total + step.macs
        for key, application in applications.items():
            if application.macs != 0:
                total = total + application.macs * times[key]
        return total

    def saved_for_backward(self) -> SavedForBackward:
        """What autograd keeps of one forward pass in training, with auxiliary outputs.

        Raises:
            SizeLimit: it is a sum of more different terms than an expression may have.
        """
        from netspec.planning.costs import saved_for_backward  # which walks over plans

        return saved_for_backward(self)

    def scopes(self) -> Iterator[PlannedScope]:
        """All containers, the root first, in the order of ``nn.Module.modules()``."""
        waiting: list[PlannedChild] = [self.root]
        while waiting:
            child = waiting.pop()
            if isinstance(child, PlannedScope):
                yield child
                waiting.extend(reversed(child.children))
