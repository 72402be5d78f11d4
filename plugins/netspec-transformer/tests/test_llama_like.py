"""specs/llama_like.yaml against Llama written by hand, and against that of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from netspec_transformer import plugin
from torch import Tensor, nn
from torch.nn import functional

import netspec

SPEC = Path(__file__).parents[3] / "specs" / "llama_like.yaml"
VOCABULARY, DIM, DEPTH, HEADS, KV_HEADS, HIDDEN = 50, 24, 3, 6, 2, 40
PARAMS: dict[str, Any] = {
    "vocabulary": VOCABULARY,
    "dim": DIM,
    "depth": DEPTH,
    "num_heads": HEADS,
    "num_kv_heads": KV_HEADS,
    "hidden": HIDDEN,
}

REGISTRY = netspec.Registry()
REGISTRY.register(plugin)


def planned(**params: Any) -> netspec.Plan:
    spec = netspec.load(SPEC)
    return netspec.plan(spec, params={**PARAMS, **params}, registry=REGISTRY)


def built(**params: Any) -> nn.Module:
    model: nn.Module = netspec.build(planned(**params), device="cpu", seed=0)
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():  # norms begin with ones, which hides mistakes
        for name, parameter in model.named_parameters():
            shift = float("norm" in name)
            parameter.copy_(shift + 0.2 * torch.randn(parameter.shape, generator=draw))
    return model


def tokens(*shape: int) -> Tensor:
    return torch.randint(0, VOCABULARY, shape, generator=torch.Generator().manual_seed(1))


class Attention(nn.Module):
    """As in the paper on RoFormer: a rotation is a product of complex numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(DIM, DIM, bias=False)
        self.k_proj = nn.Linear(DIM, DIM // HEADS * KV_HEADS, bias=False)
        self.v_proj = nn.Linear(DIM, DIM // HEADS * KV_HEADS, bias=False)
        self.o_proj = nn.Linear(DIM, DIM, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        length, size = x.shape[1], DIM // HEADS
        rates = 10_000.0 ** (-2 * torch.arange(size // 2, dtype=x.dtype) / size)
        angles = torch.arange(length, dtype=x.dtype)[:, None] * rates
        turn = torch.polar(torch.ones_like(angles), angles)

        def heads(x: Tensor, count: int) -> Tensor:
            return x.view(x.shape[0], length, count, size).transpose(1, 2)

        def turned(x: Tensor) -> Tensor:
            first, second = x.chunk(2, -1)
            both = torch.complex(first, second) * turn
            return torch.cat((both.real, both.imag), -1)

        query = turned(heads(self.q_proj(x), HEADS))
        key = turned(heads(self.k_proj(x), KV_HEADS))
        value = heads(self.v_proj(x), KV_HEADS)
        seen = torch.ones(length, length, dtype=torch.bool).tril()
        found = []
        for head in range(HEADS):
            its = head // (HEADS // KV_HEADS)
            scores = query[:, head] @ key[:, its].mT / size**0.5
            weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
            found.append(weights @ value[:, its])
        output: Tensor = self.o_proj(torch.cat(found, -1))
        return output


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(DIM, HIDDEN, bias=False)
        self.up_proj = nn.Linear(DIM, HIDDEN, bias=False)
        self.down_proj = nn.Linear(HIDDEN, DIM, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class DecoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.self_attn = Attention()
        self.mlp = FeedForward()
        self.input_layernorm = nn.RMSNorm(DIM, eps=1e-5)
        self.post_attention_layernorm = nn.RMSNorm(DIM, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x))
        output: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Llama(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, DIM)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(DEPTH))
        self.norm = nn.RMSNorm(DIM, eps=1e-5)
        self.lm_head = nn.Linear(DIM, VOCABULARY, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.lm_head(self.norm(x))
        return logits


def loss(logits: Tensor, tokens: Tensor) -> Tensor:
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


def test_the_spec_is_the_model_written_by_hand() -> None:
    """Equal keys in their order, and under equal weights equal logits and gradients."""
    ours, theirs = built().double(), Llama().double()
    keys = {name: tuple(value.shape) for name, value in ours.state_dict().items()}
    assert list(keys.items()) == [(n, tuple(v.shape)) for n, v in theirs.state_dict().items()]
    theirs.load_state_dict(ours.state_dict())
    given = tokens(2, 9)
    logits = ours(given)
    torch.testing.assert_close(logits, theirs(given), rtol=1e-10, atol=1e-10)
    for model in (ours, theirs):
        loss(model(given), given).backward()  # type: ignore[no-untyped-call]
    found = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, found[name].grad, rtol=1e-10, atol=1e-10)


def mapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The keys of Hugging Face's LlamaForCausalLM: only the head is not under ``model``."""
    return {
        name if name.startswith("lm_head") else f"model.{name}": value
        for name, value in state.items()
    }


@pytest.mark.parametrize("rope_theta", [10_000.0, 500_000.0])
def test_it_is_the_llama_of_hugging_face(rope_theta: float) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=DIM,
        intermediate_size=HIDDEN,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
        tie_word_embeddings=False,
    )
    theirs = transformers.LlamaForCausalLM(config)
    ours = built(rope_theta=rope_theta)
    assert list(mapped(ours.state_dict())) == list(theirs.state_dict())
    theirs.load_state_dict(mapped(ours.state_dict()))
    given = tokens(2, 17)
    logits = ours(given)
    torch.testing.assert_close(logits, theirs(input_ids=given).logits, rtol=1e-4, atol=1e-5)
    loss(logits, given).backward()  # type: ignore[no-untyped-call]
    theirs(input_ids=given, labels=given).loss.backward()
    found = dict(theirs.named_parameters())
    for name, gradient in mapped({n: p.grad for n, p in ours.named_parameters()}).items():  # type: ignore[misc]
        torch.testing.assert_close(gradient, found[name].grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "params"), [("llama_2_7b", 6_738_415_616), ("llama_3_8b", 8_030_261_248)]
)
def test_variants_have_as_many_parameters_as_those_that_are_published(
    variant: str, params: int
) -> None:
    plan = netspec.plan(netspec.load(SPEC, variant=variant), registry=REGISTRY)
    assert plan.total_params == params


def test_no_place_sees_a_later_one() -> None:
    model = built().eval()
    given = tokens(1, 12)
    changed = given.clone()
    changed[0, 7] = (given[0, 7] + 1) % VOCABULARY
    one, other = model(given), model(changed)
    torch.testing.assert_close(one[:, :7], other[:, :7], rtol=0, atol=0)
    assert not torch.allclose(one[:, 7:], other[:, 7:])
