"""For random values: an operator gives what torch gives, or both refuse."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import netspec
from netspec.building.flow import FUNCTIONS
from netspec.operators import MERGES, OPERATORS
from netspec.spec.composites import READERS
from netspec.spec.words import PARTS

DTYPES = ("float32", "float64", "int64", "bool")
TORCH: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "matmul": operator.matmul,
    "concat": lambda one, other: torch.cat([one, other], 1),
}
Value = tuple[list[int], str]
FOLDS = [word for word, known in OPERATORS.items() if known.call == "fold"]


def test_each_operator_is_read_and_computed() -> None:
    """Residual, scale and split have ways to be written, and tests, of their own."""
    assert TORCH.keys() == MERGES | {"concat"}
    assert READERS.keys() == PARTS - {"layers", "use"}
    assert FUNCTIONS.keys() == OPERATORS.keys() < PARTS


@pytest.mark.parametrize("word", FOLDS)
def test_the_table_says_what_torch_does_with_gradients(word: str) -> None:
    """Which factors are saved, and whether the gradient is handed on in its own memory."""
    known, function = OPERATORS[word], FUNCTIONS[word]
    gradients = []
    for place in (0, 1):
        pair = [torch.rand(3, 3, requires_grad=at == place) for at in (0, 1)]
        saved: set[int] = set()

        def pack(tensor: Tensor, pair: list[Tensor] = pair, saved: set[int] = saved) -> Tensor:
            saved.add(next(at for at in (0, 1) if tensor.data_ptr() == pair[at].data_ptr()))
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            result = function(*pair)
        needs = known.gradient_needs[place] if known.gradient_needs else ()
        assert saved == set(needs)
        gradient = torch.rand(3, 3)
        gradients.append((torch.autograd.grad(result, pair[place], gradient)[0], gradient))
    handed_on = [given.data_ptr() == gradient.data_ptr() for given, gradient in gradients]
    assert all(handed_on) is known.passes_gradient


@pytest.mark.parametrize("word", FOLDS)
def test_the_table_says_what_may_be_divided(word: str) -> None:
    """Parts of the values give a part of the result."""
    one, other = torch.rand(4, 4), torch.rand(4, 4)
    whole, part = FUNCTIONS[word](one, other), FUNCTIONS[word](one[:2, :2], other[:2, :2])
    assert torch.equal(part, whole[:2, :2]) is OPERATORS[word].is_elementwise


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
    if OPERATORS[word].is_of_reals and pair[0][1] not in ("float32", "float64"):
        return True  # torch makes floating-point numbers of others
    return word == "matmul" and min(len(shape) for shape, _ in pair) < 2
