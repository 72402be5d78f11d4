"""Instances of blocks: their arguments, and where they are used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from netspec.budget import spend
from netspec.diagnostics import Line, fix, listed, ring, suggestion
from netspec.expansion.values import (
    Arguments,
    Environment,
    UnknownShape,
    computed,
    names_at,
    opened,
    report,
)
from netspec.expansion.walk import Definition, Walk
from netspec.planning.planner import Known
from netspec.spec import Block, Origin
from netspec.templates import EvaluationError


@contextmanager
def inside_block(walk: Walk, definition: Definition, origin: Origin) -> Iterator[bool]:
    """Whether the block may be written out here; what is found inside says where it is used.

    Its layers see the blocks and params of where it is defined.
    """
    block = definition.block
    if block.name in walk.inside:
        around = ring([*walk.inside[walk.inside.index(block.name) :], block.name])
        walk.found.error(
            "recursion",
            f"the block {block.name!r} uses itself: {' -> '.join(around)}",
            origin.span(),
            help=["`repeat` and `each` write layers out several times"],
        )
        yield False
        return
    around_it = walk.blocks, walk.params
    walk.blocks, walk.params = definition.blocks, definition.params
    walk.inside.append(block.name)
    walk.found.context.append((f"in the block {block.name}, used here", origin.span()))
    try:
        yield True
    finally:
        walk.blocks, walk.params = around_it
        walk.inside.pop()
        walk.found.context.pop()


def block_environment(
    walk: Walk,
    block: Block,
    arguments: Arguments,
    origin: Origin,
    at: Known,
) -> Environment | None:
    """The names that a block's layers see; None where an argument is wrong, which is reported."""
    given = _bound(walk, block, arguments, origin)
    if given is None:
        return None
    names, own = opened(walk.params)
    spend(len(block.params) + len(block.let))
    for param in (*block.params, *block.let):
        if param.name in given:
            own[param.name] = given[param.name]
            continue
        try:
            own[param.name] = computed(param.value, names_at(names, at))
        except EvaluationError as problem:
            report(problem, param.span, walk.found)
            return None
        except UnknownShape:
            return None
    return names


def _bound(walk: Walk, block: Block, arguments: Arguments, origin: Origin) -> dict[str, Any] | None:
    """The written arguments by name; wrong ones are mistakes of the place where it is used."""
    here = walk.found.context.pop()
    try:
        return _arguments(walk, block, arguments, origin)
    finally:
        walk.found.context.append(here)


def _arguments(
    walk: Walk, block: Block, arguments: Arguments, origin: Origin
) -> dict[str, Any] | None:
    known = {param.name: param for param in block.params}
    required = [param.name for param in block.params if not param.is_given]
    given: dict[str, Any] = {}
    fine = True
    for name, value in arguments:
        if name is None:
            bare = required or [*known]
            if len(bare) != 1:
                walk.found.error(
                    "no-bare-value",
                    f"{block.name} takes its arguments by name",
                    origin.argument(None),
                    help=[partial(_by_name, block.name, bare or known, value, origin)],
                )
                return None
            name = bare[0]
        if name not in known:
            fine = False
            walk.found.error(
                "unknown-argument",
                f"the block {block.name} has no argument {name[:60]!r}",
                origin.argument_name(name),
                help=[suggestion(name, known, lambda: takes(known))],
            )
            continue
        given[name] = value
    missing = [name for name in required if name not in given]
    if missing and fine:
        example = ", ".join(f"{name}: ..." for name in required)
        walk.found.error(
            "missing-argument",
            f"the block {block.name} needs {listed(missing)}",
            origin.span(),
            help=[f"write `{block.name}: {{{example}}}`"],
        )
    return None if missing or not fine else given


def _by_name(block: str, names: Collection[str], value: object, origin: Origin) -> Line:
    """The help for ``head: [10, 5]``: the values with their names, where there are as many."""
    from netspec.advice.writing import source_text, whole

    nodes = getattr(origin.arguments, "items", None)
    if not isinstance(nodes, tuple) or not isinstance(value, tuple) or len(nodes) != len(names):
        return takes(names)
    texts = [source_text(origin.source, node) for node in nodes]
    if not all(texts):
        return takes(names)
    given = ", ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    written = f"{block}: {{{given}}}"
    return fix(f"write `{written}`", (whole(origin), written), is_certain=False)


def takes(known: Iterable[str]) -> str:
    """The arguments of a block in a help."""
    names = [*known]
    return f"it takes {listed(names)}" if names else "it takes no arguments"
