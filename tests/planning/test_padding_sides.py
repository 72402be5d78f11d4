"""Pads of every mode with sides of both signs: taken where torch computes all of the values."""

from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from netspec.declaration import Refusal, TensorType
from netspec.layers.padding import padded

SIDES = list(product(range(-4, 6), repeat=2))


def planned(shape: tuple[int, ...], sides: tuple[int, ...], mode: str) -> tuple[object, ...] | None:
    try:
        return padded(TensorType(shape), sides, mode, 0.0, "padding").shape
    except Refusal:
        return None


def computed(input: Tensor, sides: tuple[int, ...], mode: str) -> Tensor | None:
    try:
        return pad(input, sides, mode=mode)
    except RuntimeError:
        return None


def wrapped(input: Tensor, before: int, after: int) -> Tensor | None:
    """Values of the other end, once at most, of what the negative sides leave."""
    left = input[..., max(-before, 0) : input.shape[-1] - max(-after, 0)]
    size = left.shape[-1]
    if max(before, after) > size or not size:
        return None
    at = torch.arange(-max(before, 0), size + max(after, 0)) % size
    return left[..., at]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_what_torch_pads_is_taken(mode: str, dims: int) -> None:
    for size, (before, after) in product(range(1, 5), SIDES):
        shape = (2, 2, *(3,) * (dims - 1), size)
        sides = (before, after) + (1, 1) * (dims - 1)
        input = torch.arange(1.0, 1 + torch.Size(shape).numel()).reshape(shape)
        expected = computed(input, sides, mode)
        if expected is not None and not expected.numel():
            expected = None  # nothing is left
        if mode == "circular" and wrapped(input, before, after) is None:
            # torch leaves values unset where it wraps around what it has cut off.
            expected = None
        taken = planned(shape, sides, mode)
        assert taken == (None if expected is None else tuple(expected.shape)), (shape, sides)
        if mode == "circular" and expected is not None and dims == 1:
            right = wrapped(input, before, after)
            assert right is not None
            assert torch.equal(expected, right)
