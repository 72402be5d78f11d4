"""Names of devices: torch's types by a list that is torch's, and the words of plugins."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch

import netspec
from netspec.plugin import Refusal, hookimpl
from netspec.registry import devices


def test_the_types_are_torchs() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.device("NONE")
    said = re.search(r"one of (.*) device type", str(error.value))
    assert said is not None
    assert said[1].split(", ") == list(devices.TYPES)


@pytest.mark.parametrize(
    "word",
    [
        "cpu",
        "cuda:0",
        "cuda:127",
        "meta:1",
        "warp9",
        "cuda:",
        "cuda:01",
        "cuda:-1",
        "CUDA",
        "",
        "1",
    ],
)
def test_a_word_is_taken_as_torch_takes_it(word: str) -> None:
    try:
        torch.device(word)
    except RuntimeError:
        assert not devices.is_torchs(word)
    else:
        assert devices.is_torchs(word)


def test_an_index_that_torch_takes_for_another_is_refused() -> None:
    assert torch.device("cuda:128").index != 128
    assert not devices.is_torchs("cuda:128")


@hookimpl
def netspec_resolve_device(request: str) -> str | None:
    if request == "busy":
        raise Refusal("it is busy")
    return {"nowhere": "meta", "wrong": "warp9"}.get(request)


@pytest.mark.parametrize(
    ("word", "is_known"),
    [("nowhere", True), ("busy", True), ("wrong", False), ("else", False), ("auto", True)],
)
def test_a_plugin_may_know_a_word(word: str, is_known: bool) -> None:
    registry = netspec.Registry()
    plugin = SimpleNamespace(netspec_resolve_device=netspec_resolve_device)
    registry.register(plugin, name="somewhere")
    text = f"netspec: 1\ninput: [N, 8]\nlayers: [{{device: {word}, linear: 8}}]\n"
    found = netspec.check(text, registry=registry)
    assert [one.code for one in found] == ([] if is_known else ["bad-device"])


@pytest.mark.parametrize(
    ("word", "torchs"), [("gpu", "cuda"), ("GPU:1", "cuda:1"), ("gpu:x", "cuda"), ("cuad", "cuda")]
)
def test_torchs_name_is_advised(word: str, torchs: str) -> None:
    text = f"netspec: 1\ninput: [N, 8]\nlayers: [{{device: {word!r}, linear: 8}}]\n"
    (found,) = netspec.check(text)
    (fix,) = found.fixes
    assert [edit.text for edit in fix.edits] == [torchs]


SPEC = "netspec: 1\ninput: [N, 8]\nlayers: [linear: 8, relu]\n"


@pytest.mark.parametrize(
    ("placement", "column"),
    [("devices: {'0': warp9}", 16), ("devices: warp9", 10), ("balance: {warp9: 1GiB}", 11)],
)
def test_a_placement_names_devices_that_there_are(placement: str, column: int) -> None:
    text = f"placement: 1\n{placement}\n"
    with pytest.raises(netspec.SpecError) as error:
        netspec.memory(netspec.loads(SPEC), batch=1, placement=text)
    (found,) = error.value.diagnostics
    assert (found.code, found.location.line, found.location.column) == ("bad-device", 2, column)


def test_memory_is_told_for_devices_that_there_are() -> None:
    with pytest.raises(netspec.SpecError, match="'warp9' is not the name of a device"):
        netspec.memory(netspec.loads(SPEC), batch=1, device="warp9")
