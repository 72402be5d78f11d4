"""For random values: a merge gives what torch gives, or both refuse."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import netspec

DTYPES = ("float32", "float64", "int64", "bool")
TORCH: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "matmul": operator.matmul,
    "concat": lambda one, other: torch.cat([one, other], 1),
}
Value = tuple[list[int], str]


@st.composite
def values(draw: st.DrawFn) -> list[Value]:
    """Two values that often fit: the second is the first with some sizes changed or gone."""
    shape = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=4))
    other = [draw(st.sampled_from([size, size, size, 1, 2])) for size in shape]
    if draw(st.booleans()):
        other[-2:] = reversed(other[-2:])  # as matmul wants
    other = other[draw(st.integers(0, 1)) :]
    dtype = draw(st.sampled_from(DTYPES))
    pair = [(shape, dtype), (other, draw(st.sampled_from([dtype] * 5 + [*DTYPES])))]
    return draw(st.permutations(pair))


def test_merges_of_two_values() -> None:
    drawn = Counter[str]()

    @settings(max_examples=settings().max_examples * len(TORCH))
    @given(st.sampled_from(sorted(TORCH)), values())
    def law(word: str, pair: list[Value]) -> None:
        inputs = {
            name: {"shape": shape, "dtype": dtype}
            for name, (shape, dtype) in zip("ab", pair, strict=True)
        }
        items = [{word: None, "from": ["a", "b"]}]
        spec = netspec.from_dict({"netspec": 1, "inputs": inputs, "layers": items})
        tensors = [torch.ones(shape, dtype=getattr(torch, dtype)) for shape, dtype in pair]
        expected: Tensor | None = None
        with suppress(RuntimeError, IndexError):
            expected = TORCH[word](*tensors)
        if any(found.severity == "error" for found in netspec.check(spec)):
            assert expected is None or is_lenient(word, pair), netspec.check(spec)
            drawn[f"{word} refused"] += 1
            return
        assert expected is not None
        plan = netspec.plan(spec)
        (output,) = plan.outputs
        assert (output.shape, f"torch.{output.dtype}") == (expected.shape, str(expected.dtype))
        assert torch.equal(netspec.build(plan, device="cpu")(*tensors), expected)
        drawn[word] += 1

    law()
    assert drawn.keys() >= {word for pair in TORCH for word in (pair, f"{pair} refused")}


def is_lenient(word: str, pair: list[Value]) -> bool:
    """What torch takes and netspec refuses: dtypes that differ, and matmul of vectors."""
    if pair[0][1] != pair[1][1]:
        return True  # torch promotes one; in a model that is seldom meant
    return word == "matmul" and min(len(shape) for shape, _ in pair) < 2
