"""Nodes with positions, read from a text, a file or Python values."""

from netspec.source.nodes import ListNode, MapNode, Node, Scalar, ScalarNode
from netspec.source.reader import read_bytes, read_file, read_text
from netspec.source.text import TextSource
from netspec.source.values import read_value

__all__ = [
    "ListNode",
    "MapNode",
    "Node",
    "Scalar",
    "ScalarNode",
    "TextSource",
    "read_bytes",
    "read_file",
    "read_text",
    "read_value",
]
