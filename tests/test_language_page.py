"""docs/language.md: its examples are checked, built and run; its grammar has every word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import netspec
from netspec.spec import words
from tests.families.compare import tensors

PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(netspec: 1\n.*?)^```", PAGE, re.M | re.S)
(GRAMMAR,) = re.findall(r"^```text\n(document .*?)^```", PAGE, re.M | re.S)
WORDS = sorted(words.PARTS | words.ITEM_KEYS | words.SCOPE_KEYS | set(words.ROOT_KEYS))


def test_all_yaml_of_the_page_is_an_example() -> None:
    assert len(EXAMPLES) == PAGE.count("```yaml") >= 15


@pytest.mark.parametrize("word", WORDS)
def test_each_word_of_the_language_is_in_the_grammar_and_in_an_example(word: str) -> None:
    assert re.search(rf"\b{word}\??:", GRAMMAR)
    assert any(re.search(rf"(^|[ \[{{]){word}:", text, re.M) for text in EXAMPLES)


def test_the_grammar_has_no_other_words() -> None:
    known = {*WORDS, "shape", "dtype", "min", "max", "multiple_of", "body", "shortcut", "dim"}
    known |= {"branches", "in", "as"}
    assert set(re.findall(r"\b([a-z_]+)\??:", GRAMMAR)) <= known


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_it_says(text: str) -> None:
    assert netspec.check(text) == []
    spec = netspec.loads(text)
    assert netspec.loads(spec.to_yaml()) == spec
    plan = netspec.plan(spec)
    model = netspec.build(plan, device="cpu").eval()
    inputs = []
    for given in plan.inputs:
        shape = [size if isinstance(size, int) else 4 for size in given.type.shape]
        dtype = getattr(torch, given.type.dtype)
        inputs.append(
            torch.zeros(shape, dtype=dtype) if dtype != torch.float32 else torch.rand(shape)
        )
    planned = [
        [size if isinstance(size, int) else 4 for size in output.shape] for output in plan.outputs
    ]
    assert [list(output.shape) for output in tensors(model(*inputs))] == planned
    for comment, found in comments(text, plan, list(model.state_dict())):
        assert comment == found


def comments(text: str, plan: netspec.Plan, keys: list[str]) -> list[tuple[str, str]]:
    """What comments say of the layer on their line (``# [N, 4]``, ``# features.0``), and what is.

    One that lists keys says all keys.
    """
    shapes = {row.path: ", ".join(map(str, row.output_shape)) for row in plan.layers}
    shown = re.findall(r"^ +(\w+): .*# (?:twice )?\[(.+)\]$", text, re.M)
    told = [(comment, shapes[name]) for name, comment in shown]
    paths = re.findall(r"# (features\.\w+)$", text, re.M)
    told += [(path, path if path in shapes else "") for path in paths]
    told += [(listed, ", ".join(keys)) for listed in re.findall(r"# (\w+\.\w+, .+)$", text, re.M)]
    return told


@pytest.mark.parametrize("variant", ["small", "wide"])
def test_its_variants(variant: str) -> None:
    (text,) = [example for example in EXAMPLES if "variants:" in example]
    assert netspec.loads(text, variant=variant).name == variant
