"""The arguments and inputs of a class, read from its signature and type hints."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from inspect import Parameter, Signature
from operator import or_
from typing import Any, Union, get_args, get_origin, get_type_hints

from netspec.declaration.arguments import kind_of

_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
#: Where a layer lives and what its weights are is not the layer's to say.
_LEFT_OUT = frozenset({"device", "dtype"})


class UnreadableClass(TypeError):
    """A class cannot be a layer as it stands; the message says what its author writes."""


class _NoValueOfYaml(UnreadableClass):
    """An argument that specs cannot write; it is left out if it has a default."""


@dataclass(frozen=True)
class ClassSignature:
    """The inputs of ``forward`` and the arguments of a class that specs can write.

    ``left_out`` maps each other argument with a default to the reason. ``paths`` maps those of
    them with a default in the declaration to its dotted path.
    """

    signature: Signature
    left_out: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)


def class_signature(
    cls: Any,
    hints: Mapping[str, Any],
    left_out: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> ClassSignature:
    """Read the inputs and arguments of a class.

    Args:
        hints: type hints of arguments, in place of the class's own.
        left_out: arguments that specs cannot write; the class's defaults stay.
        defaults: defaults in place of the class's own; for an argument that specs cannot write,
            the dotted path of a class or function.

    Raises:
        UnreadableClass: an argument without a default has no type hint that a value of YAML can
            have.
    """
    defaults = defaults or {}
    title = getattr(cls, "__name__", str(cls))
    if not isinstance(cls, type):
        raise UnreadableClass(f"{title} is no class, but {type(cls).__name__}")
    given = _signature(cls, title)
    known = {p.name for p in given if p.kind in _BY_NAME}
    if given and not known:
        raise UnreadableClass(
            f"{title} takes ({', '.join(map(str, given))}), which names no argument: declare it "
            "with @layer and a rule whose keyword arguments are the class's"
        )
    for name in (*hints, *left_out, *defaults):
        if name not in known:
            raise UnreadableClass(f"{title} has no argument {name!r}")
    own = _hints(_init(cls))
    arguments: list[Parameter] = []
    without: dict[str, str] = {}
    paths: dict[str, str] = {}
    for parameter in given:
        name, default = parameter.name, defaults.get(parameter.name, Parameter.empty)
        if _is_left_out(parameter, title, left_out):
            if name in left_out:
                without[name] = f"the declaration of {title} leaves the argument {name!r} out"
            continue
        hint = hints.get(name, own.get(name))
        try:
            arguments.append(_argument(parameter, title, hint, default))
        except _NoValueOfYaml as problem:
            if isinstance(default, str) and "." in default:
                paths[name] = default
            elif parameter.default is Parameter.empty or default is not Parameter.empty:
                raise
            without[name] = str(problem)
    taken = {argument.name for argument in arguments}
    inputs = [
        input.replace(name=input.name + "_input") if input.name in taken else input
        for input in _inputs(cls)
    ]
    return ClassSignature(Signature([*inputs, *arguments]), without, paths)


def _init(cls: Any) -> Any:
    return cls.__init__


def _signature(cls: type, title: str) -> list[Parameter]:
    """
    Raises:
        UnreadableClass: Python cannot tell it.
    """
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if owner is object or (owner.__module__, owner.__name__) == (
        "torch.nn.modules.module",
        "Module",
    ):
        return []
    try:
        return list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError) as problem:
        raise UnreadableClass(
            f"the arguments of {title} cannot be read: {problem}; declare it with @layer and a "
            "rule whose keyword arguments are the class's"
        ) from problem


def _is_left_out(parameter: Parameter, title: str, left_out: Sequence[str]) -> bool:
    """
    Raises:
        UnreadableClass: it has to be given.
    """
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        return True
    has_default = parameter.default is not Parameter.empty
    if parameter.name in left_out and not has_default:
        raise UnreadableClass(f"the argument {parameter.name!r} of {title} has no default to stay")
    if parameter.kind is Parameter.POSITIONAL_ONLY and not has_default:
        raise UnreadableClass(
            f"the argument {parameter.name!r} of {title} is positional-only: a spec gives "
            "arguments by name, so take the `/` out of its signature"
        )
    return (
        parameter.name in left_out
        or parameter.kind is Parameter.POSITIONAL_ONLY
        or (has_default and (parameter.name in _LEFT_OUT or parameter.name.startswith("_")))
    )


def _argument(parameter: Parameter, title: str, hint: Any, default: Any) -> Parameter:
    """The argument with a hint that a layer's argument can have.

    Args:
        default: the declaration's; empty for the class's own.

    Raises:
        UnreadableClass: it has none.
    """
    name = parameter.name
    if default is Parameter.empty:
        default = parameter.default
    if hint is None:  # no hint, or one that only its default says
        hint = _hint_of_default(default)
    hint = _plain(hint)
    try:
        if hint is Any or hint is None:
            raise TypeError
        kind = kind_of(hint)
    except (TypeError, IndexError):
        raise _NoValueOfYaml(_unhinted(title, parameter)) from None
    default = tuple(default) if isinstance(default, list) else default
    if default is not Parameter.empty and not kind.accepts(default):
        hint = hint | (None if default is None else type(default))
        try:
            accepts = kind_of(hint).accepts(default)
        except TypeError:
            accepts = False
        if not accepts:
            raise UnreadableClass(
                f"the argument {name!r} of {title} is {default!r} by default, which is not "
                f"{kind.describe()}: give its hint in the declaration, `hints={{{name!r}: ...}}`"
            )
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)


def _unhinted(title: str, parameter: Parameter) -> str:
    name = parameter.name
    if parameter.annotation is Parameter.empty:
        message = f"the argument {name!r} of {title} has no type hint: write `{name}: int`"
    else:
        message = (
            f"the argument {name!r} of {title} has the type hint {_shown(parameter.annotation)}, "
            "which no value of YAML can be: it may be int, float, bool, str, None, Literal, tuple "
            "or a union of them"
        )
    message += f" in the class, or `hints={{{name!r}: int}}` in the declaration"
    if parameter.default is Parameter.empty:
        message += f", or give it a default there: `defaults={{{name!r}: 'package.module.name'}}`"
    return message


def _shown(hint: Any) -> str:
    return hint if isinstance(hint, str) else inspect.formatannotation(hint)


def _hint_of_default(default: Any) -> Any:
    """``int`` for ``heads=4``; a list or tuple of numbers may have any length."""
    if isinstance(default, list | tuple) and default:
        return tuple[type(default[0]), ...]  # type: ignore[misc]
    return type(default) if isinstance(default, bool | int | float | str) else None


def _plain(hint: Any) -> Any:
    """A hint with lists as tuples, which is how a layer gets them."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is list or getattr(origin, "__name__", "") in ("Sequence", "Iterable"):
        return tuple[_plain(inside[0]), ...]  # type: ignore[misc]
    if origin is Union or getattr(origin, "__name__", "") in ("UnionType", "Union"):
        return reduce(or_, map(_plain, inside))
    return hint


def _hints(function: Any) -> dict[str, Any]:
    """The type hints; those that cannot be resolved are left as they are."""
    try:
        return get_type_hints(function, include_extras=True)
    except Exception:  # a hint may name what is imported for type checking only
        annotations: dict[str, Any] = getattr(function, "__annotations__", {})
        plain = {"int": int, "float": float, "bool": bool, "str": str}
        return {
            name: plain.get(hint, hint) if isinstance(hint, str) else hint
            for name, hint in annotations.items()
        }


def _inputs(cls: type) -> list[Parameter]:
    """The tensors that ``forward`` takes; those that may be left out have a Tensor's hint."""
    forward = getattr(cls, "forward", None)
    try:
        parameters = list(inspect.signature(forward).parameters.values())[1:]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        parameters = []
    hints = _hints(forward)
    inputs = [
        Parameter(p.name, Parameter.POSITIONAL_OR_KEYWORD, default=p.default)
        for p in parameters
        if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        and (p.default is Parameter.empty or "Tensor" in str(hints.get(p.name, "")))
    ]
    return inputs or [Parameter("input", Parameter.POSITIONAL_OR_KEYWORD)]
