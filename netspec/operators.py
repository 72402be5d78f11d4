"""The operators that merge or split values: one entry each, from which all stages derive theirs.

A new operator is an entry here, a line in docs/language.md, and its function in
tests/properties/test_operators.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: The rule of the output's shape, in `netspec.planning.merging`.
TypeRule = Literal["same", "broadcast", "matmul", "concat", "split"]
#: How the function is called: with two values, from the left on; with a list of values and a
#: dim; or with a value, a number of parts and a dim.
Call = Literal["fold", "join", "cut"]
#: How it is written: as a list of branches (or beside ``from``), or in a way of its own.
Syntax = Literal["branches", "own"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What is known of an operator.

    ``function`` is the dotted path of what computes it, and ``call`` says how it is called with
    ``least`` to ``most`` values. Values of a dtype in ``refused`` are not taken; ``is_of_reals``
    takes floating-point numbers only.

    ``gradient_needs`` are, for the gradient of each of two values, the places of those that are
    saved for backward; ``saves_matrices`` says that they are saved as torch's matmul lays them
    out. With ``passes_gradient`` the gradient of the output is that of the inputs, in the same
    memory. ``is_elementwise`` says that inputs divided alike give an output divided alike.
    """

    word: str
    function: str
    types: TypeRule
    call: Call = "fold"
    syntax: Syntax = "branches"
    least: int = 2
    most: int | None = None
    refused: frozenset[str] = frozenset()
    is_of_reals: bool = False
    gradient_needs: tuple[tuple[int, ...], ...] = ()
    saves_matrices: bool = False
    passes_gradient: bool = False
    is_elementwise: bool = False

    def takes(self, count: int) -> bool:
        """Whether it merges so many values."""
        return self.least <= count and (self.most is None or count <= self.most)


_FACTORS = ((1,), (0,))
_BOOL = frozenset({"bool"})

OPERATORS: Mapping[str, Operator] = {
    operator.word: operator
    for operator in (
        Operator("residual", "operator.add", "same", syntax="own", most=2,
                 passes_gradient=True, is_elementwise=True),
        Operator("scale", "operator.mul", "broadcast", syntax="own", most=2,
                 gradient_needs=_FACTORS, is_elementwise=True),
        Operator("add", "operator.add", "broadcast", passes_gradient=True, is_elementwise=True),
        Operator("sub", "operator.sub", "broadcast", most=2, refused=_BOOL, is_elementwise=True),
        Operator("mul", "operator.mul", "broadcast", gradient_needs=_FACTORS,
                 is_elementwise=True),
        Operator("matmul", "operator.matmul", "matmul", most=2, refused=_BOOL,
                 gradient_needs=_FACTORS, saves_matrices=True),
        Operator("concat", "torch.cat", "concat", call="join", syntax="own", least=1),
        Operator("split", "torch.chunk", "split", call="cut", syntax="own", least=1, most=1,
                 passes_gradient=True),
    )
}  # fmt: skip

#: The words of operators that are written as a list of branches, or beside ``from``.
MERGES = frozenset(word for word, known in OPERATORS.items() if known.syntax == "branches")
