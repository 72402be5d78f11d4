"""How a strategy of placement is declared: one typed function, as a layer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netspec.declaration import LayerType
from netspec.placement.layout import Layout

Rule = Callable[..., Layout]


class Strategy(NamedTuple):
    """A word of the placement document.

    ``declared.rule`` gets the Layout so far and the written settings as keywords, and gives the
    Layout with what it does; it raises Refusal or Misplaced, and never imports torch.
    ``declared.target`` is the dotted path of a function that does it to the modules: it gets the
    model, a ``netspec.distributed.Context`` and the settings of an Action, and gives the model.

    Strategies are applied by ``order``, small ones first: the slices of a pipeline (0), what is
    frozen (1), dtypes and devices (10), tensor parallel (20), checkpointing (30), compilation (40),
    sharding (50), copies for data (60). It is torchtitan's order:
    https://github.com/pytorch/torchtitan/blob/main/torchtitan/models/llama3/infra/parallelize.py
    """

    declared: LayerType
    order: int

    @property
    def word(self) -> str:
        return self.declared.name


def strategy(target: str, *, order: int, obvious: str | None = None) -> Callable[[Rule], Strategy]:
    """Declares a strategy by the rule that follows; its name is the word in a document.

    Args:
        obvious: the setting that a bare value stands for.
    """

    def declare(rule: Rule) -> Strategy:
        name = rule.__name__.rstrip("_")
        return Strategy(LayerType(name, target, rule, obvious), order)  # type: ignore[arg-type]

    return declare
