"""Scopes with composites: the same keys, values and memory as hand-written modules."""

import copy
import gc
import pickle

import torch
from torch import nn

import netspec
from netspec.building.flow import Flow

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


def test_values_are_freed_when_they_were_read_last() -> None:
    """In a long chain of residual steps only a few values live at a time."""
    items = "\n".join("  - residual: [relu]" for _ in range(20))
    model = netspec.build(
        netspec.loads(f"netspec: 1\ninput: [N, 4]\nlayers:\n{items}\n"), device="cpu"
    )
    alive: list[int] = []

    def count(module: nn.Module, inputs: object) -> None:
        alive.append(sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects()))

    for child in model.children():
        child.register_forward_pre_hook(count)
    with torch.no_grad():
        model(torch.rand(2, 4))
    assert max(alive) - alive[0] <= 1
