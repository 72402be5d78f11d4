"""The layers against those parts of Hugging Face's models that Llama does not have."""

from typing import Any

import pytest
import torch
from netspec_transformer.modules import GroupedQueryAttention, MoEFeedForward
from torch import Tensor

transformers = pytest.importorskip("transformers")

SIZES: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 1,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
}


def test_a_window_is_that_of_mistral() -> None:
    config = transformers.MistralConfig(
        **SIZES,
        sliding_window=4,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
    )
    model = transformers.MistralForCausalLM(config).eval()
    theirs = model.model.layers[0].self_attn
    seen: dict[str, Tensor] = {}

    def look(module: object, inputs: object, named: dict[str, Tensor], output: Any) -> None:
        seen.update(input=named["hidden_states"], output=output[0])

    theirs.register_forward_hook(look, with_kwargs=True)
    model(input_ids=torch.randint(0, 50, (2, 17)))
    ours = GroupedQueryAttention(
        24, 6, num_kv_heads=2, is_causal=True, window_size=4, rope_theta=10_000.0
    )
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(seen["input"]), seen["output"])


def test_experts_are_weighted_as_in_mixtral() -> None:
    config = transformers.MixtralConfig(**SIZES, num_local_experts=5, num_experts_per_tok=2)
    theirs = transformers.MixtralForCausalLM(config).eval().model.layers[0].mlp
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=0.3)
    weights = {"router.weight": theirs.gate.weight}
    for number in range(5):
        gate, up = theirs.experts.gate_up_proj[number].chunk(2, 0)
        weights[f"experts.{number}.gate_proj.weight"] = gate
        weights[f"experts.{number}.up_proj.weight"] = up
        weights[f"experts.{number}.down_proj.weight"] = theirs.experts.down_proj[number]
    ours = MoEFeedForward(24, 40, num_experts=5, top_k=2)
    ours.load_state_dict(weights)
    x = torch.randn(2, 7, 24)
    output, _ = ours(x)
    torch.testing.assert_close(output, theirs(x), rtol=1e-4, atol=1e-4)
