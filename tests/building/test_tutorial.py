"""specs/fashion_mnist_mlp.yaml against the class of PyTorch's "Build the neural network"."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

import netspec

SPEC = Path(__file__).parents[2] / "specs" / "fashion_mnist_mlp.yaml"


class NeuralNetwork(nn.Module):
    """As the tutorial has it."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.flatten(x)
        logits: torch.Tensor = self.linear_relu_stack(x)
        return logits


@pytest.fixture(scope="module")
def models() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    by_hand = NeuralNetwork()
    return netspec.build(SPEC, device="cpu", seed=0), by_hand


def test_is_a_plain_sequential(models: tuple[nn.Module, nn.Module]) -> None:
    model, _ = models
    assert type(model) is nn.Sequential
    assert {type(module).__module__.partition(".")[0] for module in model.modules()} == {"torch"}


def test_prints_the_same_layers(models: tuple[nn.Module, nn.Module]) -> None:
    model, by_hand = models
    assert str(model).splitlines()[1:] == str(by_hand).splitlines()[1:]


def test_parameters_are_equal_in_name_size_and_value(models: tuple[nn.Module, nn.Module]) -> None:
    model, by_hand = models
    ours, theirs = list(model.named_parameters()), list(by_hand.named_parameters())
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert ours[0][0] == "linear_relu_stack.0.weight"
    for (_, a), (_, b) in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert torch.equal(a, b)


def test_logits_are_equal_bit_for_bit(models: tuple[nn.Module, nn.Module]) -> None:
    model, by_hand = models
    images = torch.rand(64, 28, 28)
    assert torch.equal(model(images), by_hand(images))


def test_softmax_gives_probabilities(models: tuple[nn.Module, nn.Module]) -> None:
    model, _ = models
    probabilities = nn.Softmax(dim=1)(model(torch.rand(5, 28, 28)))
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(5))


def test_layer_by_layer_as_the_tutorial_walks_through_it() -> None:
    spec = netspec.loads(
        """
netspec: 1
input: [3, 28, 28]
layers:
  flatten: flatten
  layer1: {linear: 20}
  relu: relu
  seq_modules: {layers: [linear: 10]}
  softmax: {softmax: {dim: 1}}
"""
    )
    plan = netspec.plan(spec)
    assert [layer.output_shape for layer in plan.layers] == [
        (3, 784),
        (3, 20),
        (3, 20),
        (3, 10),
        (3, 10),
    ]
    model = netspec.build(spec, device="cpu")
    assert isinstance(model, nn.Sequential)
    value = torch.rand(3, 28, 28)
    for child, layer in zip(model, plan.layers, strict=True):
        value = child(value)
        assert tuple(value.shape) == layer.output_shape
    assert torch.allclose(value.sum(dim=1), torch.ones(3))


def test_the_plan_counts_as_torch_does(models: tuple[nn.Module, nn.Module]) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    from netspec.sizes import substitute

    model, _ = models
    plan = netspec.plan(SPEC)
    assert plan.total_params == sum(p.numel() for p in model.parameters()) == 669_706
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        NeuralNetwork()(torch.empty(7, 28, 28))
    assert 2 * substitute(plan.total_macs, {"N": 7}) == counter.get_total_flops()


def test_seed_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    netspec.build(SPEC, device="cpu", seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_the_global_generator_is_used() -> None:
    torch.manual_seed(5)
    by_hand = NeuralNetwork()
    torch.manual_seed(5)
    model = netspec.build(SPEC, device="cpu")
    assert torch.equal(model.state_dict()["linear_relu_stack.4.bias"],
                       by_hand.state_dict()["linear_relu_stack.4.bias"])  # fmt: skip


def test_can_be_pickled_copied_and_exported(models: tuple[nn.Module, nn.Module]) -> None:
    model, _ = models
    images = torch.rand(4, 28, 28)
    expected = model(images)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert torch.equal(other(images), expected)
    exported = torch.export.export(
        model, (images,), dynamic_shapes=({0: torch.export.Dim("N")},)
    ).module()
    assert torch.allclose(exported(images), expected)
    assert exported(torch.rand(9, 28, 28)).shape == (9, 10)
