"""Steps that add up gradients, clip them and drop values, in every layout, against one process."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

import netspec
from tests.distributed.ranks import on_ranks
from tests.distributed.training import whole

SPEC = """
netspec: 1
params: {p: 0.0}
input: {shape: [N, T], dtype: int64}
blocks:
  block:
    - residual: [{name: norm, layer_norm: }, {name: up, linear: 32}, {name: act, gelu: },
        {name: drop, dropout: $p}, {name: down, linear: 16}, {name: last, dropout: $p}]
layers:
  embed: {embedding: {num_embeddings: 24, embedding_dim: 16}}
  drop: {dropout: $p}
  blocks: {repeat: 4, block: }
  head: {linear: 24}
"""
TENSOR = "tensor_parallel: {layers: [blocks.*], row: [embed], gather: [head]}\n"
TWO = {
    "tensor": "mesh: {tp: 2}\n" + TENSOR,
    "recomputed": "mesh: {tp: 2}\ncheckpoint: [blocks.*]\n" + TENSOR,
    "copies": "mesh: {dp: 2}\ndata_parallel:\n",
    "shards": "mesh: {dp: 2}\nfsdp: [blocks.*]\n",
    "gpipe": "mesh: {pp: 2}\npipeline: {schedule: gpipe, microbatches: 4}\n",
    "1f1b": "mesh: {pp: 2}\npipeline: {microbatches: 4}\n",
    "interleaved": "mesh: {pp: 2}\npipeline: {schedule: interleaved}\n",
}
FOUR = {
    "shards and tensor": "mesh: {dp: 2, tp: 2}\nfsdp: [blocks.*]\n" + TENSOR,
    "copies and tensor": "mesh: {dp: 2, tp: 2}\ndata_parallel:\n" + TENSOR,
    "pipeline and tensor": "mesh: {pp: 2, tp: 2}\npipeline: 2\n" + TENSOR,
    "pipeline and copies": "mesh: {pp: 2, dp: 2}\npipeline: 2\ndata_parallel:\n",
    "pipeline and shards": "mesh: {pp: 2, dp: 2}\npipeline: {schedule: interleaved}\nfsdp:\n",
    "shards of copies": "mesh: {re: 2, dp: 2}\nfsdp: {layers: [blocks.*], replicate: re}\n",
}
ALONE = "{}\n"
LAYOUTS = [(2, name) for name in TWO] + [(4, name) for name in FOUR]


def batch(step: int) -> Tensor:
    return torch.randint(0, 24, (8, 5), generator=torch.Generator().manual_seed(step))


def loss_of(logits: Tensor, tokens: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())


def distributed(layout: str, **params: float) -> Any:
    text = "placement: 1\n" + layout
    return netspec.distribute(netspec.loads(SPEC), text, device="cpu", seed=7, params=params)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: whole(parameter.grad)
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def accumulated(layouts: dict[str, str]) -> dict[str, Any]:
    """The gradients of two steps, twice, and then clipped with their norm."""
    found = {}
    for name, layout in layouts.items():
        one = distributed(layout)
        for _ in range(2):
            one.model.zero_grad()
            for step in range(2):
                tokens = one.part(batch(step))
                one.step(tokens, tokens, loss_of)
        summed = gradients(one.model)
        norm = one.clip_grad_norm_(0.5)
        found[name] = {"sum": summed, "norm": norm, "clipped": gradients(one.model)}
        assert one.clip_grad_norm_(1e9) <= 0.5001
    return found


@cache
def of_ranks(work: Any, count: int) -> list[dict[str, Any]]:
    return on_ranks(count, work, TWO if count == 2 else FOUR)


@pytest.mark.parametrize(("count", "name"), LAYOUTS, ids=[name for _, name in LAYOUTS])
def test_two_steps_add_up_and_are_clipped_as_in_one_process(count: int, name: str) -> None:
    model = netspec.build(netspec.loads(SPEC), device="cpu", seed=7)
    for step in range(2):
        loss_of(model(batch(step)), batch(step)).backward()  # type: ignore[no-untyped-call]
    expected = {"sum": gradients(model)}
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    assert norm > 0.6  # or nothing would be clipped
    expected["clipped"] = gradients(model)
    seen = set()
    for rank in of_ranks(accumulated, count):
        torch.testing.assert_close(rank[name]["norm"], norm, rtol=1e-4, atol=0)
        for what, wanted in expected.items():
            for key, value in rank[name][what].items():
                torch.testing.assert_close(value, wanted[key], rtol=1e-3, atol=1e-5)
                seen.add(key)
    assert seen == set(expected["sum"])


def keep_mask(
    masks: dict[str, Tensor], path: str, module: nn.Module, given: object, output: Tensor
) -> None:
    masks.setdefault(path, output == 0)


def dropped(layouts: dict[str, str]) -> dict[str, Any]:
    """The losses and last weights of 20 steps with dropout, and what the first one drops."""
    found = {}
    for name, layout in layouts.items():
        one = distributed(layout, p=0.25)
        masks: dict[str, Tensor] = {}
        for path, module in one.model.named_modules():
            if isinstance(module, nn.Dropout):
                module.register_forward_hook(partial(keep_mask, masks, path))
        optimizer = torch.optim.SGD(one.model.parameters(), lr=0.2)
        losses = []
        for step in range(20):
            tokens = one.part(batch(step))
            losses.append(float(one.mean(one.step(tokens, tokens, loss_of))))
            one.clip_grad_norm_(1.0)
            optimizer.step()
            optimizer.zero_grad()
        local = {
            key: value.to_local() if isinstance(value, DTensor) else value
            for key, value in one.model.state_dict().items()
        }
        places = {axis: one.context.place(axis) for axis in one.context.layout.mesh.axes}
        copied = {
            key
            for key, value in one.model.state_dict().items()
            if isinstance(value, DTensor) and all(one.is_replicate() for one in value.placements)
        }
        found[name] = {
            "losses": losses, "masks": masks, "local": local, "places": places, "copied": copied,
        }  # fmt: skip
    return found


@pytest.mark.parametrize(("count", "name"), LAYOUTS, ids=[name for _, name in LAYOUTS])
def test_what_is_copied_drops_alike_and_what_is_divided_does_not(count: int, name: str) -> None:
    ranks = [rank[name] for rank in of_ranks(dropped, count)]
    for rank in ranks[1:]:
        assert rank["losses"] == ranks[0]["losses"]
    for at, one in enumerate(ranks):
        for other in ranks[:at]:
            differing = {a for a in one["places"] if one["places"][a] != other["places"][a]}
            if "pp" not in differing:
                for key in one["copied"]:
                    assert torch.equal(one["local"][key], other["local"][key]), key
            for path in one["masks"].keys() & other["masks"].keys():
                is_divided = path.startswith("blocks") and path.endswith("drop")
                are_equal = torch.equal(one["masks"][path], other["masks"][path])
                assert are_equal == (differing == {"tp"} and not is_divided), path
    first = ranks[0]["losses"]
    assert first[-1] < first[0]
    if name in ("tensor", "recomputed"):
        (alone,) = on_ranks(1, dropped, {"alone": "checkpoint: [blocks.*]\n"})
        torch.testing.assert_close(first, alone["alone"]["losses"], rtol=1e-4, atol=1e-5)
        for path, mask in alone["alone"]["masks"].items():
            parts = [rank["masks"][path] for rank in ranks]
            if parts[0].shape != mask.shape:
                parts = [torch.cat(parts, -1)]
            assert torch.equal(parts[0], mask), path


def scaled(layouts: dict[str, str]) -> dict[str, tuple[list[float], float, dict[str, Tensor]]]:
    """Losses, the last scale and the weights of four steps, of which the second overflows."""
    found = {}
    for name, layout in layouts.items():
        one = distributed(layout)
        optimizer = torch.optim.SGD(one.model.parameters(), lr=0.2)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
        losses = []
        for step in range(4):
            tokens = one.part(batch(step))
            of = overflowing if step == 1 else loss_of
            losses.append(float(one.mean(one.step(tokens, tokens, of, scaler))))
            scaler.unscale_(optimizer)
            one.clip_grad_norm_(1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        weights = {key: whole(value) for key, value in one.model.state_dict().items()}
        found[name] = losses, scaler.get_scale(), weights
    return found


def overflowing(logits: Tensor, tokens: Tensor) -> Tensor:
    """With infinite gradients on the first rank of a batch alone."""
    is_first = torch.distributed.get_rank() == 0 or torch.equal(tokens, batch(1)[: len(tokens)])
    return loss_of(logits, tokens) * (torch.inf if is_first else 1.0)


def test_a_scaler_skips_a_step_on_all_ranks() -> None:
    layouts = {name: TWO[name] for name in ("tensor", "copies", "shards", "gpipe", "interleaved")}
    ((losses, scale, weights),) = on_ranks(1, scaled, {"alone": "checkpoint: [blocks.*]\n"})[
        0
    ].values()
    assert scale == 2.0**7
    for rank in on_ranks(2, scaled, layouts):
        for name, (others, other_scale, other_weights) in rank.items():
            assert other_scale == scale, name
            torch.testing.assert_close(others[2:], losses[2:], rtol=1e-4, atol=1e-5)
            for key, value in other_weights.items():
                torch.testing.assert_close(value, weights[key], rtol=1e-3, atol=1e-4)


ATTENTION = """
netspec: 1
input: [N, T, 16]
layers:
  blocks: [residual: [layer_norm, {grouped_query_attention: {num_heads: 4, dropout: 0.5}}]]
  last: [dropout, linear: 16]
"""


def attended(layouts: list[str]) -> list[tuple[list[float], Tensor, Tensor]]:
    """Losses, the state of the generator, and what equal heads give: with dropout, and without."""
    found = []
    for layout in layouts:
        text = f"placement: 1\nmesh: {{tp: 2}}\ntensor_parallel: [blocks]\n{layout}"
        one = netspec.distribute(netspec.loads(ATTENTION), text, device="cpu", seed=3)
        inputs = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
        optimizer = torch.optim.SGD(one.model.parameters(), lr=0.1)
        losses = []
        for _ in range(4):
            losses.append(float(one.step(inputs, inputs, nn.functional.mse_loss)))
            optimizer.step()
        seen: list[Tensor] = []
        attention = one.model.get_submodule("blocks.1")
        attention.get_submodule("o_proj").register_forward_pre_hook(partial(keep_input, seen))
        for name, parameter in attention.named_parameters():
            if not name.startswith("o_proj"):
                parameter.data.fill_(0.1)  # all heads compute the same
        with torch.no_grad():
            one.model(inputs)
            one.model.eval()(inputs)
        found.append((losses, torch.get_rng_state(), torch.stack(seen)))
    return found


def keep_input(seen: list[Tensor], module: nn.Module, given: tuple[Tensor]) -> None:
    value = given[0]
    seen.append(value.to_local() if isinstance(value, DTensor) else value.clone())


def test_attention_drops_apart_in_its_heads_and_alike_after_them() -> None:
    first, second = on_ranks(2, attended, ["", "checkpoint: [blocks]\n"])
    for (losses, state, given), (others, other_state, other_given) in zip(
        first, second, strict=True
    ):
        assert losses == others
        assert torch.equal(state, other_state)
        assert not torch.allclose(given[0], other_given[0])
        torch.testing.assert_close(given[1], other_given[1])
    assert first[0][0] == first[1][0]  # recomputed as it was computed
