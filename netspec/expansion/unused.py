"""What nobody uses of what is written: blocks, and rules for kinds of layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from netspec.diagnostics import Diagnostics
from netspec.spec import (
    Concat,
    Each,
    Layer,
    Layers,
    LayerTemplate,
    Merge,
    Part,
    Residual,
    Scale,
    Spec,
    Split,
)
from netspec.templates import Template

MOST = 50_000_000  # letters in which names are sought


class WrittenNames(NamedTuple):
    """What the items of a spec are called, and the texts that may become such a name."""

    types: dict[str, set[str]]  # with the blocks that say so; "" is the spec itself
    texts: frozenset[str]
    patterns: frozenset[tuple[str, ...]]  # the plain parts of names that are computed

    def may_become(self, name: str, own: str | None = None) -> bool:
        """Whether an item may be of this name, but for those in the block ``own``."""
        return (
            bool(self.types.get(name, set()) - {own})
            or name in self.texts
            or any(name in text for text in self.texts)
            or any(all(text in name for text in pattern) for pattern in self.patterns if pattern)
        )


def report_unused_blocks(spec: Spec, found: Diagnostics) -> None:
    """A warning for each block whose name no item says, and no value that may become one."""
    if not spec.blocks:
        return
    written = written_names(spec)
    letters = sum(map(len, written.texts)) + sum(map(len, chain(*written.patterns)))
    left = MOST
    for block in spec.blocks:
        if block.name not in written.texts and block.name not in written.types:
            left -= letters
            if left < 0:
                return
        if not written.may_become(block.name, block.name):
            found.warning(
                "unused-block",
                f"the block {block.name!r} is not used",
                block.origin.span(),
                help=["remove it"],
            )


def written_names(spec: Spec) -> WrittenNames:
    """What the items of a spec are called, or may be under other params."""
    types: dict[str, set[str]] = {}
    texts: list[Any] = [param.value for param in spec.params]
    texts += [value.value for variant in spec.variants for value in variant.values]
    patterns: set[tuple[str, ...]] = set()
    for own, layers in [("", spec.layers), *((block.name, block.layers) for block in spec.blocks)]:
        for part in _parts(layers):
            if isinstance(part, Layer | LayerTemplate):
                if isinstance(part.type, str):
                    types.setdefault(part.type, set()).add(own)
                else:
                    texts.append(part.type)
                    patterns.add(tuple([text for text in part.type.parts if type(text) is str]))
                texts.append(part.arguments)
    for block in spec.blocks:
        texts += [param.value for param in (*block.params, *block.let)]
    return WrittenNames(types, frozenset(_texts(texts)), frozenset(patterns))


def _parts(layers: Layers) -> Iterator[Part]:
    waiting = [layers]
    while waiting:
        for item in waiting.pop().items:
            part = item.part
            yield part
            if isinstance(part, Layers):
                waiting.append(part)
            elif isinstance(part, Residual):
                waiting += [part.body, part.shortcut]
            elif isinstance(part, Scale):
                waiting.append(part.body)
            elif isinstance(part, Concat | Split | Merge):
                waiting += part.branches
            elif isinstance(part, Each):
                waiting.append(part.layers)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, str):
                yield part
            else:
                yield from (
                    node.value
                    for node in ast.walk(part)
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                )
