"""The declaration of a layer: its name, the class that it makes, and its rule."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from pickle import UnpicklingError
from types import ModuleType
from typing import Any, Literal, NamedTuple, SupportsIndex, get_type_hints

from netspec.declaration.arguments import Argument, kind_of
from netspec.declaration.deprecation import deprecation, former_names
from netspec.declaration.output import Output
from netspec.declaration.splits import Splits
from netspec.declaration.tensor import TensorType
from netspec.sizes import Size
from netspec.spec import Value

Rule = Callable[..., Output]
#: ``bias`` adds a number to each channel; the mean of each channel is subtracted; the outputs are
#: probabilities, which add up to 1.
Trait = Literal["adds_channel_bias", "subtracts_channel_mean", "gives_probabilities"]


def imported(target: str) -> Any:
    """The class that a dotted path names.

    Raises:
        Exception: its module cannot be imported, or has no such class.
    """
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)


class Inferred(NamedTuple):
    """Marks an argument that follows from the input: ``Annotated[int, Inferred(...)]``.

    ``find`` gives the value from an input, the first or the one at ``place``; ``what`` says in
    words what it is ("the input's last size"); ``help`` is the way out when that size is not a
    known number. Where it gives None, the argument is what is written, or its default.
    """

    what: str
    find: Callable[..., Size | tuple[Size, ...] | None]
    help: str = ""
    place: int = 0


@dataclass(frozen=True)
class LayerType:
    """A layer that specs can use.

    The rule is a function whose positional parameters are the input tensors and whose
    keyword-only parameters are the layer's arguments, with torch's names, type hints and
    defaults. ``**names: Positive`` takes arguments of any further name, as einops' layers do; the
    inputs are positional-only then, so that an argument may have their names. It gives the Output
    or raises Refusal, on whole and on symbolic sizes.

    ``tuple_inputs`` are the last inputs where the class's forward takes them as one tuple. Other
    inputs that may be left out have forward's names, where there are several.

    ``splits`` says how it may be divided over ranks, and ``is_elementwise`` that each value of the
    output is of one value of the input: it may stand between layers that are divided. ``traits``
    are further facts, from which the plan's warnings follow.

    ``was`` are former names, under which specs still find the layer, with a warning; so is
    ``deprecated``, the reason not to use it.
    """

    name: str
    target: str
    rule: Rule
    obvious: str | None = None
    tuple_inputs: tuple[str, ...] = ()
    splits: Splits | None = field(default=None, hash=False)  # its mappings have no hash
    is_elementwise: bool = False
    traits: frozenset[Trait] = frozenset()
    was: tuple[str, ...] = ()
    deprecated: str = ""

    def constructor(self) -> Callable[..., Any]:
        """The class that makes the layer's module.

        Raises:
            Exception: its module cannot be imported, or has no such class.
        """
        made: Callable[..., Any] = imported(self.target)
        return made

    @property
    def left_out(self) -> Mapping[str, str]:
        """Arguments of the class that specs cannot write, with the reasons."""
        return {}

    def __copy__(self) -> LayerType:
        return self

    def __deepcopy__(self, memo: object) -> LayerType:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """By the name of its declaration, as functions and classes are pickled, where it has one.

        A layer that is made otherwise is pickled by its fields.
        """
        module, name = self.rule.__module__, self.rule.__name__
        if getattr(sys.modules.get(module), name, None) is self:
            return _declared_layer, (module, name, self.name)
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return _made_layer, (type(self), values)

    @property
    def alias(self) -> str:
        """The class's own name (``Conv2d``), accepted beside the layer's (``conv2d``)."""
        return self.target.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The first line of the rule's docstring."""
        return self.description.partition("\n")[0]

    @property
    def description(self) -> str:
        return inspect.getdoc(self.rule) or ""

    # Derived at first use, not at import: a spec uses a few of many layers.

    @cached_property
    def _signature(self) -> inspect.Signature:
        signature = inspect.signature(self.rule)
        if any(isinstance(p.annotation, str) for p in signature.parameters.values()):
            hints = get_type_hints(self.rule, include_extras=True)
            parameters = [
                p.replace(annotation=hints.get(p.name, p.annotation))
                for p in signature.parameters.values()
            ]
            signature = signature.replace(parameters=parameters)
        return signature

    @property
    def _input_parameters(self) -> list[inspect.Parameter]:
        arguments = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
        return [p for p in self._signature.parameters.values() if p.kind not in arguments]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the input tensors."""
        return tuple(parameter.name for parameter in self._input_parameters)

    @cached_property
    def required_inputs(self) -> int:
        """How many inputs there must be; those with a default may be left out."""
        return sum(
            parameter.default is inspect.Parameter.empty for parameter in self._input_parameters
        )

    def tuple_from(self, count: int) -> int | None:
        """The place of the first of ``count`` inputs that go in the tuple, where there are such."""
        place = len(self.inputs) - len(self.tuple_inputs)
        return place if place < count else None

    @cached_property
    def keyword_inputs(self) -> tuple[str, ...]:
        """The inputs that forward gets by keyword: several that may be left out, each by itself."""
        optional = self.inputs[self.required_inputs :]
        return optional if len(optional) > 1 and not self.tuple_inputs else ()

    @cached_property
    def arguments(self) -> dict[str, Argument]:
        """The arguments by name, in the order of the class's signature."""
        found = {}
        for parameter in self._signature.parameters.values():
            if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                continue
            inferred = _inferred(parameter.annotation)
            default = parameter.default
            no_default = default is inspect.Parameter.empty
            found[parameter.name] = Argument(
                parameter.name,
                kind_of(parameter.annotation),
                None if no_default else default,
                required=no_default and inferred is None,
                inferred=inferred.what if inferred else None,
                was=former_names(parameter.annotation),
                deprecated=deprecation(parameter.annotation),
            )
        return found

    @cached_property
    def further(self) -> Argument | None:
        """What an argument is whose name is not among ``arguments``; None where none may be so.

        Its own name is that of all of them together (``axes_lengths``).

        Raises:
            TypeError: an input could be taken for such an argument.
        """
        for parameter in self._signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                for input in self._input_parameters:
                    if input.kind is not inspect.Parameter.POSITIONAL_ONLY:
                        raise TypeError(
                            f"beside **{parameter.name} the inputs are positional-only: "
                            f"write `{input.name}, /`"
                        )
                return Argument(parameter.name, kind_of(parameter.annotation), None, required=False)
        return None

    def argument(self, name: str) -> Argument | None:
        """The argument of that name or former name, or one of any further name."""
        declared = self.arguments.get(name) or self._by_former_name.get(name)
        if declared is not None or self.further is None or not name:
            return declared
        return self.further._replace(name=name)

    @cached_property
    def _by_former_name(self) -> dict[str, Argument]:
        return {old: argument for argument in self.arguments.values() for old in argument.was}

    @cached_property
    def is_changing(self) -> bool:
        """Whether some name of it is a former one, or something of it is deprecated."""
        arguments = self.arguments.values()
        return bool(self.was or self.deprecated) or any(a.was or a.deprecated for a in arguments)

    @cached_property
    def defaults(self) -> dict[str, Value]:
        """The arguments that may be left out, with torch's defaults."""
        return {
            argument.name: argument.default
            for argument in self.arguments.values()
            if not argument.required and argument.inferred is None
        }

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The arguments that must be written."""
        return tuple(a.name for a in self.arguments.values() if a.required)

    @cached_property
    def inferred(self) -> dict[str, Inferred]:
        """The arguments that follow from the inputs, with how they are found."""
        found = {
            parameter.name: _inferred(parameter.annotation)
            for parameter in self._signature.parameters.values()
        }
        return {name: mark for name, mark in found.items() if mark is not None}

    @cached_property
    def obvious_argument(self) -> str | None:
        """What ``linear: 512`` sets: the declared one, else the only one that is required."""
        if self.obvious is not None:
            return self.obvious
        return self.required[0] if len(self.required) == 1 else None


def _declared_layer(module: str, name: str, layer: str) -> LayerType:
    """
    Raises:
        UnpicklingError: the layer is not declared there.
    """
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        package = module.partition(".")[0]
        raise UnpicklingError(
            f"the layer {layer} is declared in {module}, which is not there: install {package}, or "
            "its version that has the layer"
        ) from problem
    if not isinstance(found, LayerType):
        raise UnpicklingError(f"{module}.{name} is no layer, but was the layer {layer}")
    return found


def _made_layer(kind: type[LayerType], values: dict[str, Any]) -> LayerType:
    return kind(**values)


def declared_layers(module: ModuleType) -> tuple[LayerType, ...]:
    """The layers that a module declares, in its order; not those that it imports."""
    declared = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, LayerType) and value.rule.__module__ == module.__name__
    }
    return tuple(declared.values())


def layer(
    target: str,
    *,
    obvious: str | None = None,
    tuple_inputs: tuple[str, ...] = (),
    splits: Splits | None = None,
    is_elementwise: bool = False,
    traits: Iterable[Trait] = (),
    was: str | Iterable[str] = (),
    deprecated: str = "",
) -> Callable[[Rule], LayerType]:
    """Declares a layer by its rule, which gives the layer its name.

    A rule that takes ``**arguments`` without a type hint leaves the arguments to the class: they
    are read from its signature when the layer is first used.

    Args:
        target: the dotted path of the class that is made; it is imported at the first build.
        obvious: the argument that a bare value sets (``softmax: 1`` sets ``dim``).
        tuple_inputs: the last inputs, where ``forward`` takes them as one tuple (``h_0, c_0``).
        splits: how it may be divided over ranks, where it may.
        is_elementwise: whether each value of the output is of one value of the input.
        traits: further facts, from which the plan's warnings follow.
        was: a former name, or several, under which specs still find the layer, with a warning.
            Those of an argument are a mark: ``Annotated[int, Was("hidden")]``.
        deprecated: why the layer should not be used any more, and what to use instead; specs that
            use it get a warning. For an argument: ``Annotated[int, Deprecated("use stride")]``.

    Raises:
        TypeError: the class's path has no module, or the obvious argument is not one.
    """

    def declare(rule: Rule) -> LayerType:
        if "." not in target:
            raise TypeError(f"{target!r} is not the dotted path of a class")
        name = rule.__name__.rstrip("_")
        if _leaves_arguments(rule):
            from netspec.declaration.from_class import FromClass

            return FromClass(name, target, rule, obvious, was=names_of(was), deprecated=deprecated)
        if obvious is not None and obvious not in (rule.__kwdefaults__ or {}):
            keyword_only = rule.__code__.co_varnames[rule.__code__.co_argcount :]
            if obvious not in keyword_only[: rule.__code__.co_kwonlyargcount]:
                raise TypeError(f"{name} has no argument {obvious!r}")
        facts = (splits, is_elementwise, frozenset(traits), names_of(was), deprecated)
        return LayerType(name, target, rule, obvious, tuple_inputs, *facts)

    return declare


def names_of(was: str | Iterable[str]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (was,) if isinstance(was, str) else tuple(was)


def _leaves_arguments(rule: Rule) -> bool:
    """Whether it takes ``**arguments`` without a hint: those of the class, whatever they are."""
    further = [p for p in inspect.signature(rule).parameters.values() if p.kind is p.VAR_KEYWORD]
    return any(p.annotation in (inspect.Parameter.empty, Any, "Any") for p in further)


def _inferred(annotation: Any) -> Inferred | None:
    notes = getattr(annotation, "__metadata__", ())
    return next((note for note in notes if isinstance(note, Inferred)), None)


__all__ = ["Inferred", "LayerType", "Rule", "TensorType", "layer"]
