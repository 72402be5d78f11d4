"""A layer that is declared by its class alone: its arguments are those of the class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netspec.declaration.class_signature import UnreadableClass, class_signature
from netspec.declaration.layer_type import LayerType, Rule, imported
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
    ``hints`` are type hints in place of the class's own, ``left_out`` arguments that specs cannot
    write.
    """

    hints: tuple[tuple[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()
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

    @cached_property
    def _signature(self) -> inspect.Signature:
        if isinstance(self._read, str):
            raise UnreadableClass(self._read)
        return self._read

    @cached_property
    def _read(self) -> inspect.Signature | str:
        """The signature, or why there is none: it is read once, as that may take a while."""
        try:
            cls = self._class
            signature: inspect.Signature = _called(
                lambda: class_signature(cls, dict(self.hints), self.left_out),
                f"the arguments of {self.target} cannot be read",
            )
        except UnreadableClass as problem:
            return str(problem)
        if self.obvious is not None and self.obvious not in signature.parameters:
            return f"{self.target} has no argument {self.obvious!r}"
        if not self.has_rule:
            return signature
        own = inspect.signature(self.rule).parameters.values()
        inputs = [p for p in own if p.kind not in (p.VAR_KEYWORD, p.KEYWORD_ONLY)]
        arguments = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        return signature.replace(parameters=[*inputs, *arguments])


def from_class(
    target: str,
    *,
    name: str | None = None,
    obvious: str | None = None,
    hints: Mapping[str, Any] | None = None,
    left_out: Sequence[str] = (),
    about: str = "",
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
        left_out: arguments that specs cannot write; the class's defaults stay.
        about: what the layer does, in place of the class's docstring.

    Raises:
        TypeError: the class's path has no module.
    """
    if "." not in target:
        raise TypeError(f"{target!r} is not the dotted path of a class")
    name = name or snake_case(target.rpartition(".")[2])
    return made_from_class(target, name, no_rule, obvious, hints, left_out, about)


def made_from_class(
    target: str,
    name: str,
    rule: Rule,
    obvious: str | None,
    hints: Mapping[str, Any] | None = None,
    left_out: Sequence[str] = (),
    about: str = "",
) -> FromClass:
    given = tuple((hints or {}).items())
    return FromClass(
        name, target, rule, obvious, hints=given, left_out=tuple(left_out), about=about
    )


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
