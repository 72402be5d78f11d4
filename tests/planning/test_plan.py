"""The plan as a value."""

import pytest

import netspec

TEXT = """
netspec: 1
name: Small
input: [N, 3, 8, 8]
layers:
  stem: {conv2d: {out_channels: 4, kernel_size: 3}}
  norm: batch_norm2d
  head: [flatten, linear: 2]
"""


def test_a_row_knows_everything_of_its_layer() -> None:
    plan = netspec.plan(netspec.loads(TEXT))
    stem, norm, _, linear = plan.layers
    assert (stem.path, stem.type, stem.application.type.target) == (
        "stem",
        "conv2d",
        "torch.nn.Conv2d",
    )
    assert dict(stem.arguments) == {
        "in_channels": 3,
        "out_channels": 4,
        "kernel_size": 3,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
        "bias": True,
        "padding_mode": "zeros",
    }
    assert str(stem.inputs[0]) == "[N, 3, 8, 8]"
    assert str(stem.outputs[0]) == "[N, 4, 6, 6]"
    assert [(p.name, p.shape) for p in stem.parameters] == [
        ("weight", (4, 3, 3, 3)),
        ("bias", (4,)),
    ]
    assert stem.params == 4 * 27 + 4
    assert str(stem.macs) == f"{4 * 27 * 36}*N"
    assert [p.name for p in norm.buffers] == ["running_mean", "running_var", "num_batches_tracked"]
    assert linear.arguments["in_features"] == 144


def test_totals() -> None:
    plan = netspec.plan(netspec.loads(TEXT))
    assert plan.total_params == 112 + 8 + 290
    assert str(plan.total_macs) == f"{4 * 27 * 36 + 288}*N"
    assert [str(size) for size in plan.output_shape] == ["N", "2"]
    assert plan.inputs[0].name == "input"
    assert [scope.path for scope in plan.scopes()] == ["", "head"]


def test_stages_are_frozen() -> None:
    spec = netspec.loads(TEXT)
    plan = netspec.plan(spec)
    for value, field in ((spec, "name"), (plan, "name"), (plan.layers[0], "path")):
        with pytest.raises(AttributeError):
            setattr(value, field, "other")


def test_equal_layers_are_worked_out_once() -> None:
    items = "  - linear: 64\n  - relu\n" * 50
    plan = netspec.plan(netspec.loads(f"netspec: 1\ninput: [N, 64]\nlayers:\n{items}"))
    assert len({id(layer.application) for layer in plan.layers}) == 2
    assert plan.total_params == 50 * (64 * 64 + 64)
