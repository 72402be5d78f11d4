"""The specs that mutations begin with: those of ``specs/``, of the docs, and the wrong ones."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from netspec.diagnostics import Diagnostics
from netspec.source import ListNode, MapNode, Node, read_text

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^```yaml\n(netspec: 1\n.*?)^```", re.M | re.S)
MOST = 20_000  # letters: longer ones take too long to run often


@cache
def seeds() -> tuple[dict[str, Any], ...]:
    """The documents as values, in an order that is always the same."""
    return tuple([tree for text in _texts() if isinstance(tree := _value_of(text), dict)])


def _texts() -> list[str]:
    files = [*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests/diagnostics/corpus").glob("*.yaml")]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted(files)]
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        texts += EXAMPLE.findall(page.read_text("utf-8"))
    return [text for text in texts if len(text) <= MOST]


def _value_of(text: str) -> Any:
    _, node = read_text(text, "seed", Diagnostics())
    return None if node is None else _value(node)


def _value(node: Node) -> Any:
    if isinstance(node, MapNode):
        return {str(key.value): _value(value) for key, value in node.entries}
    if isinstance(node, ListNode):
        return [_value(item) for item in node.items]
    return node.value
