"""Each leaf as planned and as torchvision computes it: shapes, parameters, buffers, FLOPs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_torchvision.plugin import LAYERS
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.planning import Plan
from netspec.sizes import substitute

SIZES = st.integers(1, 9)


def planned(shape: list[Any], layer: str, arguments: Any) -> Plan:
    return netspec.plan(
        netspec.from_dict({"netspec": 1, "input": shape, "layers": [{layer: arguments}]})
    )


def agrees(shape: list[int], layer: str, arguments: Any) -> None:
    """The plan is what torchvision does on the cpu and on meta."""
    plan = planned(shape, layer, arguments)
    row = plan.layers[0]
    assert row.type in {known.name for known in LAYERS}
    for device in ("cpu", "meta"):
        model = netspec.build(plan, device=device).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            result = model(torch.rand(shape, device=device))
        assert tuple(result.shape) == plan.output_shape
        macs = plan.total_macs
        assert isinstance(macs, int)
        assert counter.get_total_flops() == 2 * macs
        module = model.get_submodule("0")
        assert [(p.name, p.shape) for p in row.parameters] == [
            (name, tuple(value.shape)) for name, value in module.named_parameters()
        ]
        assert [(b.name, b.shape) for b in row.buffers] == [
            (name, tuple(value.shape)) for name, value in module.named_buffers()
        ]


@given(st.integers(1, 3), SIZES, SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_layers_of_images(n: int, c: int, h: int, w: int) -> None:
    agrees([n, c, h, w], "layer_norm2d", None)
    agrees([n, c, h, w], "frozen_batch_norm2d", None)
    agrees([n, c, h, w], "stochastic_depth", {"p": 0.2, "mode": "row"})
    agrees([n, h, w, c], "patch_merging_pad", None)


@given(
    st.integers(1, 2),
    SIZES,
    SIZES,
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(2, 4),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_shifted_windows(
    n: int, h: int, w: int, heads: int, width: int, window: int, data: st.DataObject
) -> None:
    arguments = {
        "window_size": [window, data.draw(st.integers(2, 4))],
        "shift_size": [data.draw(st.integers(0, window - 1)), 0],
        "num_heads": heads,
        "qkv_bias": data.draw(st.booleans()),
    }
    for layer in ("shifted_window_attention", "shifted_window_attention_v2"):
        if layer.endswith("v2"):
            arguments["qkv_bias"] = True  # torchvision's V2 fails without one in its forward
        agrees([n, h, w, heads * width], layer, arguments)
        symbolic = planned(["N", "H", "W", heads * width], layer, arguments)
        concrete = planned([n, h, w, heads * width], layer, arguments)
        assert substitute(symbolic.total_macs, {"N": n, "H": h, "W": w}) == concrete.total_macs


@given(st.integers(1, 2), SIZES, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_windows_of_maxvit(n: int, windows: int, heads: int, width: int, p: int) -> None:
    agrees(
        [n, windows, p * p, heads * width],
        "relative_positional_multi_head_attention",
        {"head_dim": width},
    )
    agrees([n, width, p * windows, p * heads], "window_partition", {"p": p})
    agrees(
        [n, windows * heads, p * p, width],
        "window_departition",
        {"p": p, "h_partitions": windows, "w_partitions": heads},
    )


WINDOWS = {"window_size": [2, 2], "shift_size": [0, 0], "num_heads": 4}


@pytest.mark.parametrize(
    ("shape", "layer", "arguments"),
    [
        ([2, 3, 4], "layer_norm2d", None),
        ([2, 4, 4, 6], "shifted_window_attention", WINDOWS),
        ([2, 3, 9, 8], "window_partition", {"p": 4}),
        ([2, 4, 9, 8], "window_departition", {"p": 3, "h_partitions": 2, "w_partitions": 3}),
        ([2, 4, 9, 8], "relative_positional_multi_head_attention", {"head_dim": 3}),
        ([2, 4, 8, 8], "relative_positional_multi_head_attention", {"head_dim": 4}),
    ],
)
def test_what_does_not_fit_is_refused(shape: list[int], layer: str, arguments: Any) -> None:
    with pytest.raises(netspec.SpecError) as error:
        planned(shape, layer, arguments)
    assert {d.code for d in error.value.diagnostics} == {"shape-mismatch"}
