"""How a plugin's initialiser is declared: one typed function without a body, and a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netspec.declaration.layer_type import LayerType, Rule

Signature = Callable[..., None]


class InitialiserType(NamedTuple):
    """A word of ``init``.

    ``declared`` holds its arguments, whose types come from the signature, and the dotted path of a
    function that fills a tensor in place: ``f(tensor, **arguments)``, as those of
    ``torch.nn.init`` do. It is called under ``torch.no_grad()``, when a model is built.
    """

    declared: LayerType

    @property
    def name(self) -> str:
        return self.declared.name


def initialiser(target: str) -> Callable[[Signature], InitialiserType]:
    """Declares an initialiser by the signature that follows; its name is the word in a spec.

    Raises:
        TypeError: the target is no dotted path.
    """

    def declare(signature: Signature) -> InitialiserType:
        if "." not in target:
            raise TypeError(f"{target!r} is not the dotted path of a function")
        rule: Rule = signature  # type: ignore[assignment]  # never called: it is read only
        return InitialiserType(LayerType(signature.__name__.rstrip("_"), target, rule))

    return declare
