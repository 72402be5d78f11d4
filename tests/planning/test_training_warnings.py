"""Warnings about training are right: torch's own training step fails, or succeeds."""

import pytest
import torch
from torch import nn

import netspec
from netspec.sizes import evaluate


def plan_of(layers: str, input: str = "[4, 8]") -> netspec.Plan:
    return netspec.plan(netspec.loads(f"netspec: 1\ninput: {input}\nlayers: {layers}\n"))


def codes(plan: netspec.Plan) -> list[str]:
    return [found.code for found in plan.warnings]


def trains(plan: netspec.Plan) -> bool:
    model = netspec.build(plan, device="cpu")
    assert isinstance(model, nn.Module)
    input = torch.rand([evaluate(size, {}) for size in plan.inputs[0].type.shape])
    try:
        model.train()(input).sum().backward()
    except (RuntimeError, ValueError):
        return False
    return True


IN_PLACE = ("relu", "relu6", "leaky_relu", "elu", "celu", "selu", "silu", "mish", "hardswish",
            "hardsigmoid", "hardtanh", "rrelu", "dropout", "alpha_dropout",
            "feature_alpha_dropout")  # fmt: skip
BEFORE = ("linear: 8", "sigmoid", "tanh", "batch_norm1d", "layer_norm", "gelu", "softmax: 1",
          "dropout", "{flatten: , from: h}", "identity")  # fmt: skip


@pytest.mark.parametrize("inner", [*(f"{{{name}: {{inplace: true}}}}" for name in IN_PLACE)])
def test_in_place_layers_are_warned_of_where_backward_fails(inner: str) -> None:
    wrong = set()
    for before in (*BEFORE, *(f"{name}: {{inplace: true}}" for name in IN_PLACE)):
        item = before if before.startswith("{") else f"{{{before}}}" if ":" in before else before
        plan = plan_of(f"[{{name: h, linear: 8}}, {item}, {inner}, linear: 2]")
        if trains(plan) is ("overwritten-value" in codes(plan)):
            wrong.add(before)
    assert not wrong


@pytest.mark.parametrize(
    ("layers", "is_warned"),
    [
        ("[linear: 8, {split: [[relu: {inplace: true}], []]}]", True),
        ("[{split: [[relu: {inplace: true}], []]}, linear: 8]", False),  # of the input
        ("[{name: p, parameter: [8]}, {relu: {inplace: true}, from: p}]", True),
        ("[linear: 8, {mul: [[sigmoid], [tanh]]}, {relu: {inplace: true}}]", False),
        ("[linear: 8, {residual: [tanh, linear: 8]}, {relu: {inplace: true}}]", False),
        ("[linear: 8, {name: a, sigmoid: }, {name: m, mul: , from: [a, '0']},"
         " {name: r, from: a, relu: {inplace: true}}, {add: , from: [m, r]}]", True),
        ("[linear: 8, {layers: [sigmoid]}, {layers: [{relu: {inplace: true}}]}]", True),
        ("[{repeat: 2, layers: [linear: 8, sigmoid, {relu: {inplace: true}}]}]", True),
    ],
)  # fmt: skip
def test_in_place_layers_in_wirings(layers: str, is_warned: bool) -> None:
    plan = plan_of(layers)
    assert ("overwritten-value" in codes(plan)) is is_warned is not trains(plan)
    assert len(plan.warnings) <= 1


@pytest.mark.parametrize(
    ("layers", "input"),
    [
        ("[batch_norm1d]", "[{n}, 8]"),
        ("[batch_norm1d]", "[{n}, 8, 1]"),
        ("[adaptive_avg_pool2d: 1, batch_norm2d]", "[{n}, 8, 4, 4]"),
        ("[batch_norm3d]", "[{n}, 8, 1, 1, 1]"),
    ],
)
def test_one_value_per_channel_cannot_be_trained(layers: str, input: str) -> None:
    one, two = plan_of(layers, input.format(n=1)), plan_of(layers, input.format(n=2))
    (warning,) = one.warnings
    assert "training needs more than one" in warning.message
    assert not trains(one)
    assert trains(two)
    assert plan_of(layers, input.format(n="N")).warnings == two.warnings == ()


def test_instance_norm_of_one_place_cannot_be_trained() -> None:
    plan = plan_of("[instance_norm1d: {track_running_stats: true, affine: true}]", "[4, 8, 1]")
    assert codes(plan) == ["layer-warning"]
    assert not trains(plan)


@pytest.mark.parametrize(
    ("layers", "input", "is_warned"),
    [
        ("[linear: 3, softmax: 1]", "[N, 8]", True),
        ("[linear: 3, softmax: -1]", "[N, 8]", True),
        ("{head: {layers: [linear: 3, {layers: [softmax: 1]}]}}", "[N, 8]", True),
        ("[{conv2d: {out_channels: 3, kernel_size: 1}}, softmax2d]", "[N, 8, 4, 4]", True),
        ("[linear: 3, log_softmax: 1]", "[N, 8]", False),
        ("[linear: 3, sigmoid]", "[N, 8]", False),
        ("[softmax: 1, linear: 3]", "[N, 8]", False),
        ("[softmax: 1]", "[N, 8]", False),  # nothing to train
        ("[linear: 3, softmax: 2]", "[N, 5, 8]", False),
    ],
)
def test_a_classifier_that_ends_with_softmax(layers: str, input: str, is_warned: bool) -> None:
    assert codes(plan_of(layers, input)) == ["softmax-output"] * is_warned
