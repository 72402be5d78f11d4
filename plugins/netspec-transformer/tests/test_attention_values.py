"""Attention and rotary embeddings against the papers' formulas, written out by hand."""

import cmath
import math

import pytest
import torch
from netspec_transformer.modules import GroupedQueryAttention, RotaryEmbedding
from torch import Tensor
from torch.nn import functional


def turned(x: Tensor, theta: float) -> Tensor:
    """Each pair of one sequence of one head times a complex number, value by value."""
    length, size = x.shape
    output = torch.empty_like(x)
    for place in range(length):
        for i in range(size // 2):
            pair = complex(x[place, i], x[place, i + size // 2])
            pair *= cmath.exp(1j * place * theta ** (-2 * i / size))
            output[place, i], output[place, i + size // 2] = pair.real, pair.imag
    return output


@pytest.mark.parametrize("theta", [10_000.0, 7])
def test_pairs_are_turned_by_angles_that_grow(theta: float) -> None:
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    expected = torch.stack([turned(one, theta) for one in x.flatten(0, 1)]).view(x.shape)
    torch.testing.assert_close(RotaryEmbedding(6, theta)(x), expected, rtol=1e-12, atol=1e-12)


def test_products_of_turned_values_depend_on_the_distance_alone() -> None:
    embedding = RotaryEmbedding(8)
    query, key = (torch.randn(8, dtype=torch.float64).expand(20, 8) for _ in "qk")
    products = embedding(query) @ embedding(key).T
    for distance in (-7, 0, 3):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_half_precision_turns_by_precise_angles() -> None:
    """In bfloat16 places 1000 and 1001 are one number."""
    x = torch.randn(1_500, 4, dtype=torch.bfloat16)
    precise = RotaryEmbedding(4)(x.float())
    given = RotaryEmbedding(4)(x)
    assert given.dtype == torch.bfloat16
    assert torch.allclose(given.float(), precise, atol=0.05)


OPTIONS: list[dict[str, object]] = [
    {},
    {"bias": True},
    {"num_kv_heads": 2},
    {"num_kv_heads": 1, "head_dim": 6},
    {"num_kv_heads": 2, "is_causal": True},
    {"is_causal": True, "window_size": 3},
    {"num_kv_heads": 2, "is_causal": True, "window_size": 1},
    {"num_kv_heads": 2, "is_causal": True, "window_size": 3, "rope_theta": 100.0, "bias": True},
    {"is_causal": True, "rope_theta": 10_000.0, "dropout": 0.5},
]


@pytest.mark.parametrize("has_kernel", [True, False])
@pytest.mark.parametrize("options", OPTIONS)
def test_attention_is_the_formula(
    options: dict[str, object], has_kernel: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head by head and row by row; also where keys have to be copied for all heads."""
    monkeypatch.setattr(GroupedQueryAttention, "_has_kernel_that_shares", lambda *given: has_kernel)
    torch.manual_seed(0)
    module = GroupedQueryAttention(16, 4, **options).double().eval()  # type: ignore[arg-type]
    batch = torch.randn(2, 7, 16, dtype=torch.float64)
    torch.testing.assert_close(
        module(batch), torch.stack([by_hand(module, x) for x in batch]), rtol=1e-10, atol=1e-10
    )


def by_hand(module: GroupedQueryAttention, x: Tensor) -> Tensor:
    """The attention of one sequence."""
    size = module.head_dim
    group = module.num_heads // module.num_kv_heads
    query, key, value = module.q_proj(x), module.k_proj(x), module.v_proj(x)
    heads = []
    for head in range(module.num_heads):
        its = slice(head // group * size, (head // group + 1) * size)
        q, k, v = query[:, head * size : (head + 1) * size], key[:, its], value[:, its]
        if module.rope_theta is not None:
            q, k = turned(q.detach(), module.rope_theta), turned(k.detach(), module.rope_theta)
        rows = []
        for place in range(len(x)):
            last = place + 1 if module.is_causal else len(x)
            first = max(0, last - module.window_size) if module.window_size else 0
            weights = torch.softmax(k[first:last] @ q[place] / math.sqrt(size), 0)
            rows.append(weights @ v[first:last])
        heads.append(torch.stack(rows))
    output: Tensor = module.o_proj(torch.cat(heads, -1))
    return output


def test_in_training_weights_are_dropped() -> None:
    module = GroupedQueryAttention(8, 2, dropout=1.0)
    x = torch.randn(1, 3, 8)
    assert module.train()(x).abs().max() == 0
    assert module.eval()(x).abs().max() > 0


def test_gradients_are_those_of_attention_with_copied_heads() -> None:
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    shared = GroupedQueryAttention(8, 4, 2, is_causal=True).double()
    copied = GroupedQueryAttention(8, 4, 4, is_causal=True).double()
    state = shared.state_dict()
    for name in ("k_proj.weight", "v_proj.weight"):
        state[name] = state[name].view(2, 1, 2, 8).expand(2, 2, 2, 8).reshape(8, 8)
    copied.load_state_dict(state)
    for module in (shared, copied):
        functional.mse_loss(module(x), x).backward()  # type: ignore[no-untyped-call]
    given = copied.k_proj.weight.grad
    assert given is not None
    torch.testing.assert_close(shared.k_proj.weight.grad, given.view(2, 2, 2, 8).sum(1).view(4, 8))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_heads": 3}, "no multiple of 3 heads"),
        ({"num_heads": 4, "num_kv_heads": 3}, "cannot share 3"),
        ({"num_heads": 2, "window_size": 3}, "causal"),
        ({"num_heads": 2, "head_dim": 3, "rope_theta": 10.0}, "head_dim is 3"),
        ({"num_heads": 2, "rope_theta": 0.0}, "at least 1"),
        ({"num_heads": 2, "dropout": 2.0}, "dropout is 2"),
    ],
)
def test_the_module_refuses_what_makes_no_sense(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GroupedQueryAttention(8, **arguments)  # type: ignore[arg-type]


def test_it_is_exported_and_compiled_for_any_length() -> None:
    module = GroupedQueryAttention(
        16, 4, 2, is_causal=True, window_size=3, rope_theta=10_000.0
    ).eval()
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    exported = torch.export.export(module, (torch.randn(2, 7, 16),), dynamic_shapes=(sizes,))
    compiled = torch.compile(module, fullgraph=True, backend="eager")
    for shape in ((2, 7, 16), (3, 11, 16)):
        x = torch.randn(shape)
        torch.testing.assert_close(exported.module()(x), module(x))
        torch.testing.assert_close(compiled(x), module(x))
