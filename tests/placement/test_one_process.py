"""Placements of one process: devices, dtypes, balance, offload, and what else is done to blocks.

The meta device stands for a second one: what is computed there has no values, but fails as any
other device does where an input is elsewhere.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netspec
from netspec.placement.layout import Action, Layout
from netspec.placement.strategy import Strategy, strategy
from netspec.plugin import hookimpl

SPEC = """\
netspec: 1
input: [N, 16]
blocks:
  block:
    - residual: {norm: layer_norm, up: {linear: 64}, act: relu, down: {linear: 16}}
layers:
  stem: {linear: 16}
  blocks: {repeat: 4, block: }
  norm: {layer_norm: }
  head: {linear: 4}
"""


def built(placement: dict[str, Any] | str, spec: str = SPEC, **options: Any) -> nn.Module:
    if isinstance(placement, dict):
        placement = {"placement": 1, **placement}
    plan = netspec.plan(netspec.loads(spec, "model.yaml"))
    made: nn.Module = netspec.build(plan, placement=placement, device="cpu", seed=0, **options)
    return made


def plain() -> nn.Module:
    made: nn.Module = netspec.build(netspec.loads(SPEC), device="cpu", seed=0)
    return made


def inputs() -> Tensor:
    return torch.randn(3, 16, generator=torch.Generator().manual_seed(0))


def refused(placement: dict[str, Any] | str, spec: str = SPEC) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        built(placement, spec)
    return str(caught.value)


def test_layers_go_to_the_devices_of_the_first_pattern_that_is_like_them() -> None:
    model = built({"devices": {"blocks.[0-1]": "cpu", "blocks.*": "meta", "*": "cpu"}})
    where = {name: str(value.device) for name, value in model.named_parameters()}
    assert where == {name: "meta" if re.match(r"blocks.[23]", name) else "cpu" for name in where}
    assert list(model.state_dict()) == list(plain().state_dict())
    assert {name: type(one) for name, one in model.named_modules()} == {
        name: type(one) for name, one in plain().named_modules()
    }
    torch.testing.assert_close(model.stem.weight, plain().stem.weight)  # type: ignore[union-attr]


def test_inputs_move_where_the_device_changes() -> None:
    model = built({"devices": {"blocks.**": "meta", "norm": "meta", "head": "meta"}})
    assert model(inputs()).is_meta


def test_one_device_for_all() -> None:
    model = built({"devices": "meta"})
    assert all(value.is_meta for value in model.parameters())
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    (device,) = {value.device.type for value in built({"devices": "auto"}).parameters()}
    assert device == (accelerator.type if accelerator else "cpu")


def test_inputs_are_cast_where_the_dtype_changes() -> None:
    model = built({"dtypes": {"**.norm": "float32", "**": "bfloat16"}})
    dtypes = {name: value.dtype for name, value in model.named_parameters()}
    assert {name for name, dtype in dtypes.items() if dtype == torch.float32} == {
        name for name in dtypes if "norm" in name
    }
    given = inputs()
    torch.testing.assert_close(model(given).float(), plain()(given), rtol=0.1, atol=0.1)
    model(given).sum().backward()
    only_norms = built({"dtypes": {"**.norm": "float64"}})
    torch.testing.assert_close(only_norms(given).float(), plain()(given))


def test_balance_fills_the_devices_alike_and_says_so() -> None:
    placement = "placement: 1\nbalance: [cpu, meta]\n"
    model = built(placement)
    sizes = dict.fromkeys(("cpu", "meta"), 0)
    for value in model.parameters():
        sizes[value.device.type] += value.nbytes
    assert 0.4 < sizes["cpu"] / sum(sizes.values()) < 0.6
    told = netspec.memory(netspec.loads(SPEC), batch=8, placement=placement)
    assert [one.device for one in told.devices] == ["cpu", "meta"]
    assert [one.parameters for one in told.devices] == list(sizes.values())
    assert told.notes == (
        "cpu: 79.8 KiB, `stem` to `blocks.1`",
        "meta: 86.4 KiB, `blocks.2` to `head`",
    )


def test_balance_keeps_to_the_memory_that_is_given() -> None:
    told = netspec.memory(
        netspec.loads(SPEC),
        batch=8,
        placement={"placement": 1, "balance": {"cpu": "60KiB", "meta": "1MiB", "batch": 8}},
    )
    first, second = told.devices
    assert first.parameters > 0
    assert first.peak <= 60 * 1024 < second.peak


def test_balance_refuses_what_cannot_fit_with_the_numbers() -> None:
    said = refused("placement: 1\nbalance: {cpu: 100KiB, meta: 20KiB}\n")
    assert "<placement>:2:1: error: the model takes 140.9 KiB: cpu has 100.0 KiB and gets" in said
    assert "meta has 20.0 KiB and gets 0 B; there is no room for `blocks.2` with 33.8" in said


def test_weights_wait_in_the_cpu_or_on_disk(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    given, expected = inputs(), plain()(inputs())
    for setting in ({}, {"to": "disk", "folder": str(tmp_path)}):
        model = built({"offload": {"layers": ["blocks.*"], **setting}})
        away = {name for name, value in model.named_parameters() if value.is_meta}
        assert away == {name for name, _ in model.named_parameters() if "blocks" in name}
        with torch.no_grad():
            torch.testing.assert_close(model(given), expected)
    assert any(tmp_path.iterdir())


def test_offload_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    said = refused("placement: 1\noffload: [blocks.*]\n")
    assert "offload needs accelerate, which is not installed" in said
    assert "pip install 'netspec[offload]'" in said


def test_blocks_are_computed_again_in_one_process_too() -> None:
    model, expected = built({"checkpoint": ["blocks.*"]}), plain()
    for one in (model, expected):
        one(inputs()).square().sum().backward()
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


TIED = """\
netspec: 1
input: {shape: [N], dtype: int64}
tie: {head.weight: embed.weight}
layers:
  embed: {embedding: {num_embeddings: 9, embedding_dim: 4}}
  head: {linear: {out_features: 9, bias: false}}
"""

PARTED = TIED.replace("  head:", "  mid: {linear: 4}\n  head:")

MISTAKES = [
    ("devices: {block.*: cpu}", SPEC, "2:20: error: the pattern 'block.*' matches no layer"),
    ("devices: {stem: cpu, norms: cpu}", SPEC, "did you mean norm?"),
    ("devices: {stem: cuda:99}", SPEC, "2:17: error: the device cuda:99 is not there"),
    ("dtypes: {stem: float8}", SPEC, "2:16: error: stem of dtypes takes float32, float64"),
    ("balance: {cpu: lots}", SPEC, "2:16: error: the memory of cpu is 'lots', which is no amount"),
    ("balance:", SPEC, "balance needs devices"),
    ("balance: {cpu: 1GiB, sizes: [T=4]}", SPEC, "T is no named size of the model's inputs"),
    ("offload: {layers: [stem], to: disk}", SPEC, "needs a `folder`"),
    ("mesh: {dp: 2}\ndevices: cpu", SPEC, "devices is for one process, and the mesh has 2 ranks"),
    ("mesh: {dp: 2}\ndata_parallel:", SPEC, "build makes the model of one process"),
    ("devices: {embed: cpu, head: meta}", TIED, "`embed` is written here (model.yaml:5:11)"),
    ("dtypes: {head: bfloat16}", TIED, "they would be of the model's own dtype and bfloat16"),
    ("balance: [cpu, meta]", PARTED, "write `devices` in place of `balance`, with one device for"),
    ("offload: [embed]", TIED, "tied weights cannot be offloaded"),
]


@pytest.mark.parametrize(("text", "spec", "words"), MISTAKES)
def test_mistakes_have_their_place(text: str, spec: str, words: str) -> None:
    if "offload" in text:
        pytest.importorskip("accelerate")
    assert words in refused(f"placement: 1\n{text}\n", spec)


def freeze_all(model: nn.Module, context: object, *, word: str) -> nn.Module:
    model.requires_grad_(False)
    return model


@strategy("", order=35)
def frozen(layout: Layout, /, *, word: str = "all") -> Layout:
    """A third party's."""
    return layout.then(Action("frozen", f"{__name__}.freeze_all", {"word": word}))


class Plugin:
    @hookimpl
    def netspec_strategies(self) -> tuple[Strategy, ...]:
        return (frozen,)


def test_a_strategy_may_be_of_a_third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[frozen.declared.rule.__module__])
    registry = netspec.Registry()
    registry.register(Plugin(), name="theirs")
    model = built({"frozen": None}, registry=registry)
    assert not any(value.requires_grad for value in model.parameters())
