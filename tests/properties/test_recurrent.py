"""For random recurrent layers: all outputs, parameters and multiply-adds are torch's."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import netspec


@st.composite
def lstms(draw: st.DrawFn) -> tuple[list[int], dict[str, object]]:
    """The sizes of an input, and arguments."""
    hidden_size = draw(st.integers(2, 6))
    written: dict[str, object] = {
        "hidden_size": hidden_size,
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "proj_size": draw(st.sampled_from([0, 0, 1, hidden_size - 1])),
    }
    return draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)), written


@given(lstms())
def test_lstm(case: tuple[list[int], dict[str, object]]) -> None:
    shape, written = case
    spec = netspec.from_dict({"netspec": 1, "input": shape, "layers": [{"lstm": written}]})
    plan = netspec.plan(spec)
    (row,) = plan.layers
    module = netspec.build(plan, device="meta").get_submodule("0")
    with FlopCounterMode(display=False) as counter:
        output, (h_n, c_n) = module(torch.zeros(shape, device="meta"))
    assert [given.shape for given in row.outputs] == [output.shape, h_n.shape, c_n.shape]
    assert row.application.output_names == ("output", "h_n", "c_n")
    assert {part.name: part.shape for part in row.parameters} == {
        name: tuple(value.shape) for name, value in module.named_parameters()
    }
    assert 2 * plan.total_macs == counter.get_total_flops()
