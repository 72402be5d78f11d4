"""How an initialiser is declared: one typed function, and the path of one that fills a tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from netspec.declaration.layer_type import LayerType, Rule
from netspec.spec import Value

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

    def require_shape(self, shape: tuple[int, ...], arguments: Mapping[str, Value]) -> None:
        """Check that a parameter of this shape can be filled.

        Raises:
            Refusal: it cannot.
        """
        if self.declared.inputs:
            rule: Callable[..., object] = self.declared.rule
            rule(shape, **arguments)


def initialiser(target: str) -> Callable[[Signature], InitialiserType]:
    """Declares an initialiser by the function that follows; its name is the word in a spec.

    Its keyword-only parameters are the arguments. A function with a positional parameter is called
    with the shape of each parameter that is to be filled, and raises Refusal where that cannot be.

    Raises:
        TypeError: the target is no dotted path.
    """

    def declare(signature: Signature) -> InitialiserType:
        if "." not in target:
            raise TypeError(f"{target!r} is not the dotted path of a function")
        rule: Rule = signature  # type: ignore[assignment]  # it returns nothing
        return InitialiserType(LayerType(signature.__name__.rstrip("_"), target, rule))

    return declare
