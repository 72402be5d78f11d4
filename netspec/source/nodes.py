"""The tree that every spec is read into, whatever it was written in.

Nodes are tuples because a long spec has a hundred thousand of them. ``start`` and ``end`` are
marks whose meaning belongs to the source (for a text: offsets in characters).
"""

from __future__ import annotations

from typing import NamedTuple

Scalar = None | bool | int | float | str


class ScalarNode(NamedTuple):
    """One value: null, a bool, a number or a string."""

    value: Scalar
    start: int
    end: int


class ListNode(NamedTuple):
    """Several nodes in order."""

    items: tuple[Node, ...]
    start: int
    end: int


class MapNode(NamedTuple):
    """Named nodes in order; a key is always text, and no key comes twice."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    start: int
    end: int


Node = ScalarNode | ListNode | MapNode


def kind(node: Node) -> str:
    """What a node is, in the words of a message."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"{'true' if node.value else 'false'}"
    if isinstance(node.value, str):
        return f"the text {shortened(node.value)!r}"
    return f"the number {shortened(str(node.value))}"


def written(node: ScalarNode) -> str:
    """A value as YAML writes it, shortened."""
    if node.value is None or isinstance(node.value, bool):
        return {None: "null", True: "true", False: "false"}[node.value]
    return shortened(str(node.value))


def shortened(text: str, length: int = 40) -> str:
    """A text that fits into a message."""
    return text if len(text) <= length else text[: length - 3] + "..."
