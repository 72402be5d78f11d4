"""Tables of plans: what is folded, what is summed up, and that nothing is cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.diagnostics.text import display_width
from netspec.render.rows import Row, plan_rows
from netspec.render.table import plan_table

SPECS = Path(__file__).parents[2] / "specs"
MODELS: list[tuple[str, dict[str, Any]]] = [
    ("gpt2_like", {}),
    ("lstm_classifier", {}),
    ("two_tower", {}),
    ("unet", {}),
    ("vae", {}),
    ("wavenet_like", {}),
    ("llama_like", {"variant": "llama_3_70b"}),
    ("torchvision/googlenet", {}),
    ("torchvision/resnet", {"variant": "resnet152"}),
    ("torchvision/swin_transformer", {"variant": "swin_t"}),
]


def rows(layers: str, **chosen: Any) -> list[Row]:
    text = f"netspec: 1\ninput: [N, 8]\nlayers:\n{layers}"
    return plan_rows(netspec.plan(netspec.loads(text)), **chosen)


def told(layers: str) -> list[str]:
    return [f"{row.name} {row.call}".strip() for row in rows(layers)]


@pytest.mark.parametrize(("name", "chosen"), MODELS)
def test_no_argument_is_lost_and_no_line_is_too_long(name: str, chosen: Any) -> None:
    plan = netspec.plan(SPECS / f"{name}.yaml", **chosen)
    arguments = {
        part.strip(" )")
        for row in plan_rows(plan, unfold=True)
        for part in row.call.replace("[", "").replace("]", "").split(", ")
    }
    for width in (60, 80, 120, 200):
        shown = plan_table(plan, width)
        assert max(map(display_width, shown.splitlines())) <= width
        plain = shown.replace("[", "").replace("]", "")
        assert width < 80 or [part for part in arguments if part not in plain] == []


def test_equal_blocks_are_folded() -> None:
    block = "  - repeat: 4\n    layers: [residual: [linear: 8, relu]]\n"
    assert told(block) == [
        "0",
        "0 … 3 (4 times, each)",
        "0 linear(8)",
        "1 relu",
        "(residual)",
    ]
    found = rows(block)
    assert [row.params for row in found] == ["288", "72", "72", "", ""]
    assert [row.macs for row in found] == ["256*N", "64*N", "64*N", "", ""]
    assert len(rows(block, unfold=True)) == 1 + 4 * 4
    assert [row.call for row in rows(block, depth=1)] == ["8 layers"]
    assert [row.call for row in rows(block, depth=2)] == ["", "2 layers (4 times, each)"]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # One argument differs.
        (
            "  - [linear: 8, dropout: 0.1]\n  - [linear: 8, dropout: 0.1]\n"
            "  - [linear: 8, dropout: 0.2]\n  - [linear: 8, dropout: 0.2]\n",
            ["0, 1 (2 times, each)", "2, 3 (2 times, each)"],
        ),
        # The shape of an input differs.
        (
            "  - [linear: 4, relu]\n  - [linear: 4, relu]\n  - [linear: 4, relu]\n",
            ["0", "1, 2 (2 times, each)"],
        ),
        # The connections differ, the layers do not.
        (
            "  - concat: [[[linear: 4, relu]], [[linear: 4, relu]]]\n"
            "  - layers: {a: {linear: 8}, b: {from: input, linear: 8}}\n"
            "  - layers: {a: {linear: 8}, b: {linear: 8}}\n",
            ["0", "1", "(concat)", "2", "3"],
        ),
        # Names in a block differ.
        (
            "  - {layers: {a: relu, b: relu}}\n  - {layers: {a: relu, c: relu}}\n",
            ["0", "1"],
        ),
        # One of them is not trained.
        (
            "  - [linear: 8, relu]\n  - [linear: 8, relu]\n"
            "  - {layers: [linear: 8, relu], freeze: true}\n",
            ["0, 1 (2 times, each)", "2"],
        ),
        # Two by turns.
        (
            "  - repeat: 3\n    layers: [linear: 8, relu, linear: 8, tanh]\n"
            "  - [linear: 8, relu]\n  - [linear: 8, tanh]\n  - [linear: 8, relu]\n"
            "  - [linear: 8, tanh]\n",
            ["0", "1, 3 (2 times, each)", "2, 4 (2 times, each)"],
        ),
    ],
)
def test_blocks_are_compared_by_what_they_are(layers: str, expected: list[str]) -> None:
    containers = [f"{row.name} {row.call}".strip() for row in rows(layers) if row.depth == 0]
    assert containers == expected


def test_layers_in_a_row_are_folded_where_that_is_shorter() -> None:
    assert told("  [relu, relu, tanh]\n") == ["0 relu", "1 relu", "2 tanh"]
    assert told(f"  [{', '.join(['relu'] * 30)}]\n") == ["0 … 29 relu (30 times, each)"]
    assert told(f"  [{', '.join(['linear: 8, relu'] * 5)}]\n") == [
        "0, 2 … 8 linear(8) (5 times, each)",
        "1, 3 … 9 relu (5 times, each)",
    ]


def test_plans_and_specs_show_themselves() -> None:
    spec = netspec.load(SPECS / "two_tower.yaml")
    plan = netspec.plan(spec)
    assert repr(spec).startswith("<Spec TwoTower: left [N, 8], right [N, 8], ")
    assert str(spec) == spec.to_yaml()
    assert repr(plan) == (
        "<Plan TwoTower: left [N, 8], right [N, 8] -> [N, 1], 5 layers, 849 parameters>"
    )
    assert str(plan) == plan_table(plan, 80)


def test_notebooks_show_them_too() -> None:
    text = 'netspec: 1\nname: "<b>"\ninput: [N, 8]\nlayers: {"<i>": relu, a: {linear: 4}}\n'
    spec = netspec.loads(text)
    page = netspec.plan(spec)._repr_html_()
    assert "<b>&lt;b&gt;: input [N, 8] -&gt; [N, 4]</b>" in page
    assert ">&lt;i&gt;</td>" in page
    assert ">linear(4)</td>" in page
    assert page.count("<tr>") == 3
    assert "36 parameters" in page
    assert "name: &quot;&lt;b&gt;&quot;" in spec._repr_html_()
    many = netspec.plan(
        netspec.loads(
            "netspec: 1\ninput: [N, 8]\nlayers:\n"
            + "".join(f"  - linear: {size}\n" for size in range(1, 1200))
        )
    )
    assert many._repr_html_().count("<tr>") == 1001
    assert "199 more rows: print(plan) shows all" in many._repr_html_()


def test_a_size_that_is_given_is_a_number_everywhere() -> None:
    path = SPECS / "unet.yaml"
    plan = netspec.plan(path, batch=2, sizes={"H": 16, "W": 24})
    symbolic = netspec.plan(path)
    assert plan.output_shape == (2, 2, 16, 24)
    assert plan.total_macs == 40496 * 16 * 2 * 24
    assert [row.path for row in plan.layers] == [row.path for row in symbolic.layers]
    for wrong, words in (
        ({"sizes": {"H": 12}}, "the size H is 12, but has to be a multiple of 8"),
        ({"sizes": {"T": 8}}, "T is no named size of the model's inputs, which have H, N, W"),
        ({"batch": 2, "sizes": {"N": 3}}, "the batch is 2, and the size N is 3"),
        ({"batch": 10**400}, "the size N is not a number from 1 to"),
    ):
        with pytest.raises(ValueError, match=words):
            netspec.plan(path, **wrong)
