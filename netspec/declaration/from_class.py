"""A layer that is declared by its class alone: its arguments are those of the class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from netspec.declaration.class_signature import (
    ClassSignature,
    UnreadableClass,
    class_signature,
)
from netspec.declaration.layer_type import LayerType, imported, names_of
from netspec.declaration.output import Output
from netspec.plugin_calls import Fault, call_plugin


def no_rule(*inputs: object, **arguments: object) -> Output:
    """Stands where a layer has no shape rule.

    Raises:
        TypeError: it is called.
    """
    raise TypeError("the layer has no shape rule")


@dataclass(frozen=True)
class FromClass(LayerType):
    """A layer whose arguments and inputs are read from its class, when it is first used.

    Reading imports the class. Without a rule its shapes are probed (see ``netspec.probing``).
    ``hints`` and ``own_defaults`` replace those of the class, ``hidden`` are arguments that the
    declaration leaves out.
    """

    hints: tuple[tuple[str, Any], ...] = ()
    hidden: tuple[str, ...] = ()
    own_defaults: tuple[tuple[str, Any], ...] = ()
    about: str = ""

    @property
    def has_rule(self) -> bool:
        return self.rule is not no_rule

    @property
    def summary(self) -> str:
        """What the declaration says: the class is not imported for a list of layers."""
        return self._declared.partition("\n")[0] or f"Makes ``{self.target}``."

    @property
    def description(self) -> str:
        """The declaration's words, else the class's docstring."""
        if self._declared or isinstance(self._read, str):
            return self._declared or self.summary
        own = self._class.__doc__  # not that of a class above it
        return inspect.cleandoc(own) if own else self.summary

    @property
    def _declared(self) -> str:
        return self.about or (inspect.getdoc(self.rule) or "" if self.has_rule else "")

    @cached_property
    def _class(self) -> Any:
        return _called(lambda: imported(self.target), f"{self.target} cannot be imported")

    @property
    def left_out(self) -> Mapping[str, str]:
        """The arguments with defaults that specs cannot write, with the reasons.

        Raises:
            UnreadableClass: the class cannot be a layer.
        """
        return self._readable.left_out

    def constructor(self) -> Callable[..., Any]:
        """The class, called with the defaults of the declaration.

        Raises:
            Exception: a module cannot be imported, or has no such class or function.
        """
        made: Callable[..., Any] = imported(self.target)
        if not self.own_defaults:
            return made
        paths = self._readable.paths
        return partial(
            made,
            **{
                name: imported(paths[name]) if name in paths else value
                for name, value in self.own_defaults
            },
        )

    @property
    def _signature(self) -> inspect.Signature:
        return self._readable.signature

    @property
    def _readable(self) -> ClassSignature:
        if isinstance(self._read, str):
            raise UnreadableClass(self._read)
        return self._read

    @cached_property
    def _read(self) -> ClassSignature | str:
        """The signature, or why there is none: it is read once, as that may take a while."""
        try:
            cls = self._class
            read: ClassSignature = _called(
                lambda: class_signature(
                    cls, dict(self.hints), self.hidden, dict(self.own_defaults)
                ),
                f"the arguments of {self.target} cannot be read",
            )
        except UnreadableClass as problem:
            return str(problem)
        if self.obvious is not None and self.obvious not in read.signature.parameters:
            return f"{self.target} has no argument {self.obvious!r}"
        if not self.has_rule:
            return read
        own = inspect.signature(self.rule).parameters.values()
        inputs = [p for p in own if p.kind not in (p.VAR_KEYWORD, p.KEYWORD_ONLY)]
        arguments = [p for p in read.signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        return replace(read, signature=inspect.Signature([*inputs, *arguments]))


def from_class(
    target: str,
    *,
    name: str | None = None,
    obvious: str | None = None,
    hints: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    left_out: Sequence[str] = (),
    about: str = "",
    was: str | Sequence[str] = (),
    deprecated: str = "",
) -> FromClass:
    """Declares a layer by the dotted path of its class, which is imported when it is used.

    Its arguments are those of the class's ``__init__``, with their type hints and defaults; its
    inputs are those of ``forward``. It has no shape rule: netspec runs it without memory. Give it
    one with ``@layer(target)`` on a rule that takes ``**arguments``.

    Args:
        name: what specs call it; the class's name in snake_case where it is None.
        obvious: the argument that a bare value sets.
        hints: type hints of arguments, in place of the class's own; ``Annotated[int,
            Inferred(...)]`` makes one follow from the input.
        defaults: defaults of arguments, in place of the class's own. For an argument that specs
            cannot write, as a class of layers: its dotted path, ``"torch.nn.LayerNorm"``.
        left_out: arguments that specs shall not write; the class's defaults stay. Arguments with
            defaults and without a type hint that a value of YAML can have are left out anyway.
        about: what the layer does, in place of the class's docstring.
        was, deprecated: as in ``@layer``; marks of arguments are written in ``hints``.

    Raises:
        TypeError: the class's path has no module.
    """
    if "." not in target:
        raise TypeError(f"{target!r} is not the dotted path of a class")
    name = name or snake_case(target.rpartition(".")[2])
    return FromClass(
        name,
        target,
        no_rule,
        obvious,
        was=names_of(was),
        deprecated=deprecated,
        hints=tuple((hints or {}).items()),
        hidden=tuple(left_out),
        own_defaults=tuple((key, _frozen(value)) for key, value in (defaults or {}).items()),
        about=about,
    )


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def snake_case(name: str) -> str:
    """``mixer_block`` for ``MixerBlock``, ``layer_norm2d`` for ``LayerNorm2d``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|[A-Z]+$)|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()


def _called(work: Any, what: str) -> Any:
    """
    Raises:
        UnreadableClass: the class's module fails, or it cannot be a layer.
    """
    try:
        return call_plugin(work, what)
    except Fault as problem:
        if isinstance(problem.__cause__, UnreadableClass):
            raise UnreadableClass(str(problem.__cause__)) from None
        raise UnreadableClass(str(problem)) from None
