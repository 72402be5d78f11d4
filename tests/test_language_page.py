"""The examples of docs/language.md are checked, built, run, and written back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import netspec

PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(netspec: 1\n.*?)^```", PAGE, re.M | re.S)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_it_says(text: str) -> None:
    assert netspec.check(text) == []
    spec = netspec.loads(text)
    assert netspec.loads(spec.to_yaml()) == spec
    plan = netspec.plan(spec)
    model = netspec.build(plan, device="cpu")
    inputs = []
    for given in plan.inputs:
        shape = [size if isinstance(size, int) else 4 for size in given.type.shape]
        dtype = getattr(torch, given.type.dtype)
        inputs.append(
            torch.zeros(shape, dtype=dtype) if dtype == torch.int64 else torch.rand(shape)
        )
    outputs = model(*inputs)
    first = next(iter(outputs.values())) if isinstance(outputs, dict) else outputs
    expected = [size if isinstance(size, int) else 4 for size in plan.output_shape]
    assert list(first.shape) == expected


@pytest.mark.parametrize("variant", ["small", "wide"])
def test_its_variants(variant: str) -> None:
    (text,) = [example for example in EXAMPLES if "variants:" in example]
    assert netspec.loads(text, variant=variant).name == variant
