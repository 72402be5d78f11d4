"""The bytes saved for backward, of wirings: what torch's saved_tensors_hooks see, to the byte."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

import pytest
import torch

import netspec
from netspec.operators import OPERATORS
from netspec.planning import Plan
from netspec.sizes import evaluate
from netspec.testing.observation import SavedStorages

SIZES = {"N": 3, "T": 5}


def planned(layers: str, head: str = "input: [N, 4]") -> Plan:
    return netspec.plan(netspec.loads(f"netspec: 1\n{head}\nlayers:\n{layers}"))


def measured(plan: Plan) -> int:
    """The bytes that torch saves in a forward pass in training, with the sizes of SIZES."""
    model = netspec.build(plan, device="cpu").train()
    inputs = []
    for _, type in plan.inputs:
        shape = [evaluate(size, SIZES) for size in type.shape]
        inputs.append(torch.ones(shape, dtype=getattr(torch, type.dtype)))
    with SavedStorages(model) as saved:
        model(*inputs)
    return saved.nbytes


WIRINGS = {
    "a chain": "- linear: 8\n- relu\n- linear: 2",
    "an output and the next input are one": "- linear: 4\n- sigmoid\n- linear: 4\n- tanh",
    "nested and repeated": "- {repeat: 3, layers: [[linear: 4, relu], linear: 4]}",
    "no gradient flows to the input": "- relu\n- dropout\n- sigmoid\n- {from: input, gelu: }",
    "a product of inputs": "- {from: [input, input], mul: }\n- linear: 2",
    "in place": "- linear: 8\n- {relu: {inplace: true}}\n- linear: 8",
    "a view": "- linear: 6\n- unflatten: {dim: 1, unflattened_size: [2, 3]}\n- flatten\n- tanh",
    "an input and its view": "- linear: 4\n- {from: input, flatten: }\n- linear: 4",
    "residual": "- linear: 4\n- residual: [linear: 4, sigmoid]\n- sigmoid",
    "add": "- linear: 4\n- add: [[sigmoid], [linear: 4], []]\n- sigmoid",
    "sub": "- linear: 4\n- sub: [[sigmoid], [linear: 4]]\n- sigmoid",
    "mul": "- linear: 4\n- mul: [[linear: 4], [linear: 4]]",
    "mul of three": "- linear: 4\n- mul: [[linear: 4], [linear: 1], [linear: 4]]",
    "mul of three, small ones first": "- linear: 4\n- mul: [[linear: 1], [linear: 1], [linear: 4]]",
    "mul with itself": "- {name: a, linear: 4}\n- {from: [a, a], mul: }",
    "mul with the input": "- {name: a, linear: 4}\n- {from: [a, input], mul: }",
    "matmul": "- linear: 4\n- {name: a, parameter: [4, 4]}\n- {from: [\"0\", a], matmul: }\n- tanh",
    "scale": "- linear: 4\n- scale: [linear: 4, sigmoid]",
    "scale of the input": "- scale: [linear: 4, sigmoid]",
    "concat": "- linear: 4\n- concat: [[], [linear: 2], [sigmoid]]\n- sigmoid",
    "split": "- linear: 6\n- split: [[], [linear: 3, relu]]\n- linear: 2",
    "a saved part is its whole": "- linear: 6\n- split: [[sigmoid], [linear: 3]]\n- linear: 2",
    "a part of the input": "- split: [[], [linear: 3]]",
    "mul with a parameter": "- {name: a, parameter: [4]}\n- {from: [input, a], mul: }",
    "add a parameter": "- {name: a, parameter: [4]}\n- {from: [input, a], add: }\n- sigmoid",
    "a parameter through a layer": "- {name: a, parameter: [4, 4]}\n- sigmoid",
    "concat with a parameter": (
        "- {name: a, parameter: [1, 2]}\n- {from: [input, a], concat: }\n- linear: 2"
    ),
    "a layer called again": "- {name: a, linear: 4}\n- relu\n- {use: a}\n- {use: a}",
    "a container called again": (
        "- {name: a, layers: [linear: 4, sigmoid]}\n- relu\n- {use: a}\n- {use: a}"
    ),
    "several outputs of a container": (
        "- {name: a, layers: {b: {linear: 4}, c: sigmoid, d: {linear: 2}}, outputs: [b, d]}\n"
        "- {from: [a.b, a.d], concat: }\n- sigmoid"
    ),
}  # fmt: skip


def test_each_operator_has_a_wiring() -> None:
    assert OPERATORS.keys() <= WIRINGS.keys()


@pytest.mark.parametrize("layers", WIRINGS.values(), ids=WIRINGS)
def test_a_wiring_saves_what_torch_saves(layers: str) -> None:
    plan = planned(layers)
    assert evaluate(plan.saved_for_backward().total, SIZES) == measured(plan)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("[N, 5, 3]", "[N, 3, 4]"),
        ("[N, 5, 3]", "[3, 4]"),
        ("[5, 3]", "[N, 3, 4]"),
        ("[1, 5, 3]", "[N, 3, 4]"),
        ("[N, T, 5, 3]", "[N, T, 3, 4]"),
        ("[N, 1, 5, 3]", "[N, T, 3, 4]"),
        ("[1, T, 5, 3]", "[N, T, 3, 4]"),
        ("[1, 1, 5, 3]", "[N, T, 3, 4]"),
        ("[T, 5, 3]", "[N, T, 3, 4]"),
        ("[N, T, 5, 3]", "[3, 4]"),
    ],
)
def test_a_matmul_saves_its_factors_and_what_it_copies(first: str, other: str) -> None:
    layers = (
        "- {name: a, from: first, linear: 3}\n- {name: b, from: other, linear: 4}\n"
        "- {from: [a, b], matmul: }\n- {from: [first, b], matmul: }\n- {from: [a, other], matmul: }"
    )
    plan = planned(layers, f"inputs:\n  first: {first}\n  other: {other}")
    assert evaluate(plan.saved_for_backward().total, SIZES) == measured(plan)


def test_auxiliary_outputs_are_of_training() -> None:
    layers = "  a: {linear: 4}\n  side: {linear: 64}\n  act: sigmoid\n  b: {from: a, linear: 4}"
    plan = planned(layers, "input: [N, 4]\nauxiliary: act")
    saved = plan.saved_for_backward()
    assert evaluate(saved.total, SIZES) == measured(plan)
    assert [str(size) for size in saved.layers] == ["16*N", "16*N", "256*N", "0"]


def test_whole_numbers_have_no_gradient() -> None:
    plan = planned(
        "- {embedding: {num_embeddings: 8, embedding_dim: 4}}\n- relu",
        "input: {shape: [N, T], dtype: int64}",
    )
    saved = plan.saved_for_backward()
    assert [str(size) for size in saved.layers] == ["8*N*T", "16*N*T"]
    assert evaluate(saved.total, SIZES) == measured(plan)


def test_rows_add_what_no_row_before_saved() -> None:
    plan = planned(
        "- conv2d: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}\n"
        "- batch_norm2d\n- {relu: {inplace: true}}\n"
        "- conv2d: {out_channels: 8, kernel_size: 1}\n- flatten\n",
        "input: [N, 3, H, W]",
    )
    pixels = "*((H + 1)//2)*((W + 1)//2)"
    saved = plan.saved_for_backward()
    assert [str(size) for size in saved.layers] == [
        "12*H*N*W",
        f"32*N{pixels} + 64",
        f"32*N{pixels}",
        "0",  # what the relu gave
        "0",
    ]
    assert [str(row.output_bytes) for row in plan.layers] == [f"32*N{pixels}"] * 5
    numbers = {"N": 2, "H": 17, "W": 8}
    assert evaluate(saved.total, numbers) == 2 * (12 * 17 * 8 + 64 * 9 * 4) + 64


def test_rows_are_in_the_order_of_the_plan() -> None:
    plan = planned(
        "  b: {linear: 4}\n  c: {layers: [linear: 8, residual: [linear: 8]]}\n  a: {linear: 2}",
        "input: [N, 4]\nregister: [a]",
    )
    assert [row.path for row in plan.layers] == ["b", "c.0", "c.1", "a"]
    assert [str(size) for size in plan.saved_for_backward().layers] == [
        "16*N", "16*N", "32*N", "32*N",
    ]  # fmt: skip


def test_buffers_are_counted_once() -> None:
    plan = planned("- {name: a, batch_norm1d: }\n- {use: a}\n- batch_norm1d")
    assert [row.buffer_numel for row in plan.layers] == [9, 0, 9]
    assert plan.total_buffer_numel == 18


def test_a_long_chain_takes_no_longer_than_its_plan() -> None:
    items = "".join(f"- linear: {8 + n % 7}\n- relu\n" for n in range(5_000))
    text = f"netspec: 1\ninput: [N, T, 8]\nlayers:\n{items}"
    plan = netspec.plan(netspec.loads(text))
    planning = _seconds(lambda: netspec.plan(netspec.loads(text)))
    assert _seconds(plan.saved_for_backward) < planning


def _seconds(call: Callable[[], object]) -> float:
    """Of this process alone: others may be running."""
    return min(timeit.repeat(call, timer=time.process_time, number=1, repeat=5))
