"""Blocks that nobody uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

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


def report_unused_blocks(spec: Spec, found: Diagnostics) -> None:
    """A warning for each block whose name no item says, and no value that may become one."""
    if not spec.blocks:
        return
    said: set[str] = set()
    texts: list[Any] = [param.value for param in spec.params]
    texts += [value.value for variant in spec.variants for value in variant.values]
    patterns: list[list[str]] = []
    for own, layers in [("", spec.layers), *((block.name, block.layers) for block in spec.blocks)]:
        for part in _parts(layers):
            if isinstance(part, Layer | LayerTemplate):
                if isinstance(part.type, str) and part.type != own:
                    said.add(part.type)
                elif isinstance(part.type, Template):
                    texts.append(part.type)
                    patterns.append([text for text in part.type.parts if isinstance(text, str)])
                texts.append(part.arguments)
    for block in spec.blocks:
        texts += [param.value for param in (*block.params, *block.let)]
    written = list(_texts(texts))
    for block in spec.blocks:
        is_said = block.name in said or any(block.name in text for text in written)
        if not is_said and not any(
            pattern and all(text in block.name for text in pattern) for pattern in patterns
        ):
            found.warning(
                "unused-block",
                f"the block {block.name!r} is not used",
                block.origin.span(),
                help=["remove it"],
            )


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
