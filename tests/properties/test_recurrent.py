"""For random recurrent layers: all outputs, parameters and multiply-adds are torch's.

And for sizes as they are in use, where the workspaces of kernels matter less: what is saved for
the backward pass.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.declaration import TensorType
from netspec.planning import Plan
from netspec.registry import Registry
from netspec.testing import Case
from netspec.testing.laws import planned_bytes
from netspec.testing.observation import saved_bytes

REGISTRY = Registry()


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


@st.composite
def used(draw: st.DrawFn, name: str) -> Case:
    """A recurrent layer as people use them."""
    shape = (draw(st.integers(10, 100)), draw(st.integers(8, 64)), draw(st.integers(16, 300)))
    hidden_size = draw(st.sampled_from([64, 100, 128, 200, 256]))
    written: dict[str | None, object] = {
        "hidden_size": hidden_size,
        "num_layers": draw(st.integers(1, 2)),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0, 0.2])),
    }
    if name == "lstm":
        written["proj_size"] = draw(st.sampled_from([0, 0, hidden_size // 4]))
    return Case(REGISTRY.layers()[name].layer, written, (TensorType(shape),))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_what_is_saved_for_the_backward_pass(name: str) -> None:
    """Within 5 %, the rounding of buffers to pages included."""

    @settings(max_examples=10)
    @given(used(name))
    def law(case: Case) -> None:
        plan = case.plan(REGISTRY)
        assert isinstance(plan, Plan)
        application = plan.layers[0].application
        kept = saved_bytes(case.layer, application.written, case.inputs)
        assert kept is not None
        planned = planned_bytes(application)
        assert isinstance(planned, int)  # all sizes are numbers
        assert abs(planned - kept) <= 0.05 * kept, f"{planned}, but torch {kept}:\n{case}"

    law()
