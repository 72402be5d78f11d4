"""Fresh weights: by the order of layers, by their paths, or none."""

import pytest
import torch
from torch import Tensor, nn

import netspec

FIRST = "first: {linear: 8}"
HEAD = "netspec: 1\ninput: [N, 8]\ninit: {linear: {bias: {normal: {std: 0.5}}}}\n"


def built(*layers: str, **options: object) -> dict[str, Tensor]:
    text = HEAD + f"layers: {{{', '.join(layers)}}}\n"
    model: nn.Module = netspec.build(netspec.loads(text), device="cpu", **options)  # type: ignore[arg-type]
    return dict(model.state_dict())


LAYERS = ("middle: {linear: 8}", "last: {layers: [relu, linear: 4]}")


def test_by_path_another_layer_changes_no_other() -> None:
    without = built(*LAYERS, seed=3, seed_by="path")
    more = built(FIRST, *LAYERS, seed=3, seed_by="path")
    assert without.keys() < more.keys()
    for name, value in without.items():
        assert torch.equal(value, more[name]), name


def test_by_order_it_changes_all_that_follow() -> None:
    without, more = built(*LAYERS, seed=3), built(FIRST, *LAYERS, seed=3)
    assert not torch.equal(without["middle.weight"], more["middle.weight"])


def test_streams_differ_by_seed_and_by_path() -> None:
    first = built(FIRST, *LAYERS, seed=3, seed_by="path")
    other = built(FIRST, *LAYERS, seed=4, seed_by="path")
    again = built(FIRST, *LAYERS, seed=3, seed_by="path")
    for part in ("weight", "bias"):
        assert not torch.equal(first[f"first.{part}"], first[f"middle.{part}"])
        assert not torch.equal(first[f"first.{part}"], other[f"first.{part}"])
        assert torch.equal(first[f"first.{part}"], again[f"first.{part}"])


@pytest.mark.parametrize("seed_by", ["order", "path"])
def test_the_global_generator_is_left_as_it_was(seed_by: str) -> None:
    before = torch.get_rng_state()
    built(*LAYERS, seed=3, seed_by=seed_by)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_init_nothing_is_drawn_and_constants_are_right() -> None:
    before = torch.get_rng_state()
    text = (
        "netspec: 1\ninput: [N, 6, 4, 4]\nlayers: [conv2d: 4, batch_norm2d, flatten, linear: 3]\n"
    )
    text = text.replace("conv2d: 4", "conv2d: {out_channels: 4, kernel_size: 3}")
    model = netspec.build(netspec.loads(text), device="cpu", init=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(model.get_parameter("1.weight"), torch.ones(4))
    assert torch.equal(model.get_buffer("1.running_var"), torch.ones(4))
    fresh = netspec.build(netspec.loads(text), device="cpu", seed=0)
    model.load_state_dict(fresh.state_dict())
    x = torch.randn(2, 6, 4, 4)
    assert torch.equal(model.eval()(x), fresh.eval()(x))
