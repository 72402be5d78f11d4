"""Mixtures of experts against the paper's formula, written out by hand."""

import pytest
import torch
from netspec_transformer import plugin
from netspec_transformer.modules import MoEFeedForward, SwiGLU
from torch import Tensor

import netspec


def by_hand(module: MoEFeedForward, x: Tensor) -> Tensor:
    """One place: only the chosen experts compute."""
    logits = module.router.weight @ x
    chosen = logits.argsort(descending=True)[: module.top_k].tolist()
    weights = torch.softmax(logits[chosen], 0)
    output = torch.zeros_like(x)
    for weight, number in zip(weights, chosen, strict=True):
        expert = module.experts[number]
        hidden = torch.nn.functional.silu(expert.gate_proj.weight @ x)
        output = output + weight * (
            expert.down_proj.weight @ (hidden * (expert.up_proj.weight @ x))
        )
    return output


@pytest.mark.parametrize(("num_experts", "top_k"), [(5, 2), (5, 1), (3, 3), (1, 1)])
def test_the_chosen_experts_are_weighted_by_the_softmax_of_their_logits(
    num_experts: int, top_k: int
) -> None:
    torch.manual_seed(0)
    module = MoEFeedForward(6, 9, num_experts, top_k).double()
    x = torch.randn(2, 4, 6, dtype=torch.float64)
    output, logits = module(x)
    expected = torch.stack([by_hand(module, one) for one in x.flatten(0, 1)]).view(x.shape)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(logits, x @ module.router.weight.T)


def test_only_chosen_experts_learn() -> None:
    module = MoEFeedForward(6, 9, num_experts=8, top_k=2)
    x = torch.randn(1, 6)
    output, logits = module(x)
    output.sum().backward()
    chosen = set(logits[0].topk(2).indices.tolist())
    for number, expert in enumerate(module.experts):
        assert isinstance(expert, SwiGLU)
        gradient = expert.down_proj.weight.grad
        assert gradient is not None
        assert bool(gradient.abs().max() > 0) == (number in chosen)
    assert module.router.weight.grad is not None
    assert module.router.weight.grad.abs().max() > 0


def test_autocast_computes_in_bfloat16() -> None:
    module = MoEFeedForward(6, 9, num_experts=4)
    x = torch.randn(5, 6)
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = module(x)
    torch.testing.assert_close(output.float(), module(x)[0], rtol=0.1, atol=0.05)


def test_it_is_exported_and_compiled_whole() -> None:
    module = MoEFeedForward(6, 9, num_experts=4).eval()
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    exported = torch.export.export(module, (torch.randn(2, 7, 6),), dynamic_shapes=(sizes,))
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    for shape in ((2, 7, 6), (3, 11, 6)):
        x = torch.randn(shape)
        torch.testing.assert_close(exported.module()(x), module(x))
        torch.testing.assert_close(compiled(x), module(x))


@pytest.mark.parametrize("top_k", [0, 5])
def test_there_are_no_more_experts_to_choose(top_k: int) -> None:
    with pytest.raises(ValueError, match="4 experts"):
        MoEFeedForward(6, 9, num_experts=4, top_k=top_k)


def test_a_spec_can_give_the_logits_of_the_router() -> None:
    registry = netspec.Registry()
    registry.register(plugin)
    spec = netspec.loads(
        """
netspec: 1
input: [N, T, 6]
layers:
  experts: {moe_feed_forward: {hidden_features: 9, num_experts: 4}}
  head: {linear: 3}
outputs: {output: head, router_logits: experts.router_logits}
"""
    )
    model = netspec.build(netspec.plan(spec, registry=registry), device="cpu")
    found = model(torch.randn(2, 5, 6))
    shapes = {name: tuple(value.shape) for name, value in found.items()}
    assert shapes == {"output": (2, 5, 3), "router_logits": (2, 5, 4)}
