"""Statements for ``input`` about named sizes, with which a refused model is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import lcm

from netspec.sizes import Size, SizeLimit, Symbol, equal, substitute, symbol, symbols

MULTIPLES = (2, 4, 8, 16, 32, 64)

#: A test of one size, or of several, after symbols were replaced.
Holds = Callable[[Sequence[Size]], bool]


def multiple_that(
    sizes: Sequence[Size], holds: Holds, multiples: Sequence[int] = MULTIPLES
) -> Symbol | None:
    """One of the sizes' symbols, stated to be a multiple with which ``holds`` is true.

    What the spec states of the symbol stays: its range, and the multiple that it has already.
    """
    names = {known.name: known for size in sizes for known in symbols(size)}
    for multiple in multiples:
        for _, known in sorted(names.items()):
            stated = _as_multiple(known, multiple)
            if stated is None:
                continue
            replaced = {known.name: _size_of(stated)}
            try:
                if holds([substitute(size, replaced) for size in sizes]):
                    return stated
            except SizeLimit:
                continue
    return None


def multiple_that_equates(size: Size, other: Size) -> Symbol | None:
    """The symbol, stated to be a multiple with which two sizes are equal."""
    return multiple_that((size, other), lambda sizes: bool(equal(*sizes).answer))


def _as_multiple(known: Symbol, multiple: int) -> Symbol | None:
    """The symbol as a multiple of ``multiple`` too; None where only 0 is left of its range."""
    step = lcm(known.multiple_of, multiple)
    if step == known.multiple_of:
        return None
    try:
        stated = Symbol(known.name, known.minimum, known.maximum, step, known.declared)
    except ValueError:
        return None
    return None if stated.highest == 0 else stated


def _size_of(known: Symbol) -> Size:
    """The size that a symbol stands for."""
    return symbol(
        known.name,
        minimum=known.minimum if known.declared else None,
        maximum=known.maximum,
        multiple_of=known.multiple_of,
    )


def statement(known: Symbol) -> str:
    """``H: {min: 32, multiple_of: 32}``: what `input` states of a symbol."""
    stated = [f"min: {known.minimum}"] if known.declared else []
    if known.maximum is not None:
        stated.append(f"max: {known.maximum}")
    if known.multiple_of > 1:
        stated.append(f"multiple_of: {known.multiple_of}")
    return f"{known.name}: {{{', '.join(stated)}}}"
