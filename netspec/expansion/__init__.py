"""The third room: a Spec becomes concrete modules with names, paths and the wiring between them."""

from netspec.expansion.expand import expand, expand_item
from netspec.expansion.expanded import Call, Child, Leaf, Merge, Scope, Step

__all__ = ["Call", "Child", "Leaf", "Merge", "Scope", "Step", "expand", "expand_item"]
