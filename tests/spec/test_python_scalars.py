"""Numbers of numpy and torch are the numbers that they stand for, wherever a spec takes values."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import netspec

np = pytest.importorskip("numpy")

SPEC = {
    "netspec": 1,
    "params": {"n": 4, "bias": True, "p": 0.5, "word": "relu", "widths": [4]},
    "input": ["N", 8],
    "layers": [
        {"linear": {"out_features": "$n", "bias": "$bias"}},
        {"dropout": "$p"},
        "$word",
        {"each": {"in": "$widths", "as": "width", "layers": [{"linear": "$width"}]}},
    ],
}


class Index:
    def __index__(self) -> int:
        return 5


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("n", np.int64(5), 5),
        ("n", np.array(5, dtype="uint8"), 5),
        ("n", torch.tensor(5), 5),
        ("n", Index(), 5),
        ("bias", np.bool_(False), False),
        ("bias", torch.tensor(False), False),
        ("p", np.float32(0.25), 0.25),
        ("p", torch.tensor(0.25), 0.25),
        ("word", np.str_("tanh"), "tanh"),
        ("widths", (np.int8(3), torch.tensor(2)), (3, 2)),
    ],
)
def test_a_scalar_is_what_it_stands_for(name: str, value: Any, plain: Any) -> None:
    spec = netspec.from_dict(SPEC)
    expected = arguments(netspec.plan(spec, params={name: plain}))
    assert arguments(netspec.plan(spec, params={name: value})) == expected
    written = netspec.from_dict({**SPEC, "params": {**SPEC["params"], name: value}})  # type: ignore[dict-item]
    assert arguments(netspec.plan(written)) == expected
    assert netspec.loads(written.to_yaml()) == written


def arguments(plan: netspec.Plan) -> list[object]:
    return [(row.type, {k: (type(v), v) for k, v in row.arguments.items()}) for row in plan.layers]


def test_the_builder_takes_them() -> None:
    net = netspec.Builder("N", np.int64(8)).linear(np.uint8(4)).dropout(np.float64(0.5))
    assert netspec.loads(net.spec().to_yaml()) == net.spec()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({1: 3}, "a key must be a string, not 1"),
        ({"n": torch.tensor([3, 4])}, "a Tensor cannot stand in a spec"),
        ({"n": torch.tensor(3, device="meta")}, "a Tensor cannot stand in a spec"),
        ({"n": {"a": 1}}, "a param is a value or a list, not a mapping"),
        ({"n": True}, "out_features of linear takes a whole number >= 1, not true"),
    ],
)
def test_a_param_that_is_none_is_a_finding(params: Any, message: str) -> None:
    with pytest.raises(netspec.SpecError) as error:
        netspec.plan(netspec.from_dict(SPEC), params=params)
    (found,) = error.value.diagnostics
    assert message in found.message


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(netspec.SpecError, match="levels deep"):
        netspec.plan(netspec.from_dict(SPEC), params={"widths": endless})
