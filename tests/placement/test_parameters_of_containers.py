"""A container's own parameter goes where it goes: by `device:`, and by patterns of a placement."""

from __future__ import annotations

import pytest
import torch

import netspec

SPEC = """\
netspec: 1
input: [N, 8]
layers:
  a: {linear: 8}
  s: {DEVICEmul: [[], [{name: gain, OWNparameter: {shape: [8], init: 2}}]]}
"""


def spec(device: str = "", own: str = "") -> netspec.Spec:
    return netspec.loads(SPEC.replace("DEVICE", device).replace("OWN", own))


@pytest.mark.parametrize(
    ("given", "placement", "expected"),
    [
        (spec(), None, "cpu"),
        (spec(device="device: meta, "), None, "meta"),
        (spec(own="device: meta, "), None, "meta"),
        (spec(device="device: meta, ", own="device: cpu, "), None, "cpu"),
        (spec(), "devices: {s: meta}", "meta"),
        (spec(), "devices: {'**.gain': meta}", "meta"),
        (spec(device="device: meta, "), "devices: {s.gain: cpu}", "cpu"),
        (spec(), "devices: {a: cpu, device: meta}", "meta"),
    ],
)
def test_it_is_on_its_device(given: netspec.Spec, placement: str | None, expected: str) -> None:
    text = None if placement is None else f"placement: 1\n{placement}\n"
    model = netspec.build(given, device="cpu", placement=text)
    assert model.get_parameter("s.gain").device == torch.device(expected)
    told = netspec.memory(given, batch=1, device="cpu", placement=text)
    gain = 4 * 8
    linear = 4 * (8 * 8 + 8)
    assert {one.device: one.parameters for one in told.devices if one.parameters} == (
        {"cpu": linear + gain} if expected == "cpu" else {"cpu": linear, "meta": gain}
    )


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("dtypes: {a: bfloat16}", torch.float32),
        ("dtypes: {s: bfloat16}", torch.bfloat16),
        ("dtypes: {s.gain: bfloat16}", torch.bfloat16),
        ("dtypes: bfloat16", torch.bfloat16),
    ],
)
def test_it_has_its_dtype(placement: str, expected: torch.dtype) -> None:
    text = f"placement: 1\n{placement}\n"
    model = netspec.build(spec(), device="cpu", placement=text)
    assert model.get_parameter("s.gain").dtype == expected
    assert torch.equal(model.get_parameter("s.gain"), torch.full((8,), 2, dtype=expected))
    assert model(torch.ones(2, 8)).shape == (2, 8)
    told = netspec.memory(spec(), batch=1, device="cpu", placement=text)
    held = sum(value.nbytes for value in model.parameters())
    assert told.devices[0].parameters == held


def test_a_device_that_is_not_there_is_named_where_it_is_written() -> None:
    with pytest.raises(netspec.SpecError) as error:
        netspec.build(spec(own="device: 'cuda:99', "), device="cpu")
    (found,) = error.value.diagnostics
    assert (found.code, found.location.line, found.location.column) == ("no-device", 5, 39)
