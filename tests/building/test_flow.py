"""Scopes with composites: the same keys, values and memory as hand-written modules."""

import copy
import pickle

import pytest
import torch
from torch import nn

import netspec
from netspec.building.flow import Flow
from tests.building.memory import peak_bytes

TEXT = """
netspec: 1
input: [N, 4, 8, 8]
layers:
  stem: {conv2d: {out_channels: 8, kernel_size: 3, padding: 1}}
  block:
    layers:
      - residual:
          body:
            - {name: conv1, conv2d: {out_channels: 8, kernel_size: 3, padding: 1, bias: false}}
            - {name: bn1, batch_norm2d: }
            - {name: relu, relu: }
            - {name: conv2, conv2d: {out_channels: 8, kernel_size: 3, padding: 1, bias: false}}
          shortcut:
            - {name: downsample, layers: [conv2d: {out_channels: 8, kernel_size: 1}]}
      - {name: relu2, relu: }
  mix:
    concat:
      - []
      - - conv2d: {out_channels: 2, kernel_size: 1}
        - relu
  head: [adaptive_avg_pool2d: 1, flatten, linear: 5]
"""


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.downsample = nn.Sequential(nn.Conv2d(8, 8, 1))
        self.relu2 = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        body = self.conv2(self.relu(self.bn1(self.conv1(x))))
        out: torch.Tensor = self.relu2(body + self.downsample(x))
        return out


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3, padding=1)
        self.block = Block()
        self.mix = nn.Sequential(nn.Conv2d(8, 2, 1), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.block(self.stem(x))
        x = torch.cat([x, self.mix(x)], 1)
        out: torch.Tensor = self.head(x)
        return out


def built() -> nn.Module:
    return netspec.build(netspec.loads(TEXT), device="cpu", seed=1)


def by_hand() -> nn.Module:
    torch.manual_seed(1)
    return ByHand()


def test_keys_values_logits_and_gradients_are_those_of_hand_written_code() -> None:
    ours, theirs = built(), by_hand()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name
    images = torch.rand(3, 4, 8, 8)
    for model in (ours, theirs):
        model(images).square().sum().backward()
    assert torch.equal(ours(images), theirs(images))
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert torch.equal(a.grad, b.grad), name


def test_only_the_scopes_with_composites_are_flows() -> None:
    model = built()
    classes = {name: type(module) for name, module in model.named_modules()}
    assert classes[""] is nn.Sequential
    assert classes["head"] is nn.Sequential
    assert classes["block"] is Flow
    assert classes["mix"] is Flow


def test_flows_can_be_pickled_copied_exported_and_compiled() -> None:
    model = built().eval()
    images = torch.rand(3, 4, 8, 8)
    expected = model(images)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert torch.equal(other(images), expected)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("N")},))
    assert exported.module()(torch.rand(5, 4, 8, 8)).shape == (5, 5)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    assert torch.allclose(compiled(images), expected)


def test_all_sizes_of_an_export_may_be_symbolic() -> None:
    sizes = "netspec: 1\ninput: [N, 4, H, W]\n" + TEXT.partition("[N, 4, 8, 8]\n")[2]
    model = netspec.build(netspec.loads(sizes), device="cpu").eval()
    dynamic = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    exported = torch.export.export(model, (torch.rand(2, 4, 8, 8),), dynamic_shapes=(dynamic,))
    other = torch.rand(3, 4, 12, 10)
    assert torch.allclose(exported.module()(other), model(other))


def test_autocast_does_to_them_what_it_does_to_hand_written_code() -> None:
    ours, theirs, images = built(), by_hand(), torch.rand(3, 4, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        one, other = ours(images), theirs(images)
    assert one.dtype is other.dtype is torch.bfloat16
    assert torch.equal(one, other)


def test_they_are_moved_like_hand_written_code() -> None:
    ours, theirs = built().double(), by_hand().double()
    images = torch.rand(3, 4, 8, 8, dtype=torch.float64)
    assert torch.equal(ours(images), theirs(images))
    on_meta = ours.to("meta")(images.to("meta"))
    assert (on_meta.device.type, on_meta.shape) == ("meta", (3, 5))


def test_they_are_printed_with_the_names_of_their_children() -> None:
    lines = [line.strip() for line in repr(built()).splitlines()]
    for child in ("(block): Flow(", "(conv1): Conv2d(8, 8,", "(relu2): ReLU()", "(mix): Flow("):
        assert any(line.startswith(child) for line in lines), child


def test_inputs_may_be_given_by_name() -> None:
    text = """
netspec: 1
inputs: {left: [N, 4], right: [N, 4]}
layers: [{from: [left, right], sub: }]
"""
    model = netspec.build(netspec.loads(text), device="cpu")
    left, right = torch.rand(2, 4), torch.rand(2, 4)
    assert torch.equal(model(right=right, left=left), left - right)
    assert torch.equal(model(left, right=right), left - right)
    for args, named, told in (
        ((left,), {}, "takes left, right: it got 1 by position"),
        ((left, right, left), {}, "it got 3 by position"),
        ((left,), {"rigth": right}, "by name rigth"),
        ((left,), {"left": right}, "by name left"),
    ):
        with pytest.raises(TypeError, match=told):
            model(*args, **named)


def test_values_are_freed_when_hand_written_code_frees_them() -> None:
    assert peak_bytes(built(), (3, 4, 8, 8)) == peak_bytes(by_hand(), (3, 4, 8, 8))


def test_a_long_chain_of_steps_keeps_no_values() -> None:
    """The value, the input of the step, and the sum that it makes of both."""
    items = "\n".join("  - residual: [relu]" for _ in range(20))
    spec = netspec.loads(f"netspec: 1\ninput: [N, 4]\nlayers:\n{items}\n")
    assert peak_bytes(netspec.build(spec, device="meta"), (2, 4)) == 3 * 2 * 4 * 4


def test_auxiliary_outputs_are_given_in_training_only() -> None:
    text = """
netspec: 1
input: [N, 4]
layers: [{name: a, linear: 4}, {name: b, from: a, linear: 4}, {from: [b, a], add: }]
auxiliary: b
"""
    model = netspec.build(netspec.loads(text), device="cpu").train()
    output, auxiliary = model(torch.rand(2, 4))
    assert output.shape == auxiliary.shape == (2, 4)
    assert isinstance(model.eval()(torch.rand(2, 4)), torch.Tensor)
