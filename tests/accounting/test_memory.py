"""What is told of memory, against what torch measures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

import netspec
from netspec.sizes import evaluate
from tests.accounting.measure import allocated, measure, measure_inference, nbytes
from tests.distributed.ranks import on_ranks

SPECS = Path(__file__).parents[2] / "specs"
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: torch.optim.SGD(p, foreach=False),
    "sgd_momentum": lambda p: torch.optim.SGD(p, momentum=0.9, foreach=False),
    "adam": lambda p: torch.optim.Adam(p, foreach=False),
    "adamw": lambda p: torch.optim.AdamW(p, foreach=False),
    "rmsprop": lambda p: torch.optim.RMSprop(p, foreach=False),
    "adagrad": lambda p: torch.optim.Adagrad(p, foreach=False),
}
CHECKPOINTED = {"placement": 1, "checkpoint": ["layers.*"]}
MODELS = [
    ("fashion_mnist_mlp", {}, 512, {}, "sgd_momentum", "float32"),
    ("fashion_mnist_mlp", {}, 64, {}, "adam", "bfloat16"),
    ("digits_cnn", {}, 256, {}, "sgd", "float32"),
    ("unet", {}, 2, {"H": 64, "W": 64}, "rmsprop", "float32"),
    ("torchvision/resnet", {"variant": "resnet18"}, 8, {"H": 96, "W": 96}, "adamw", "float32"),
    ("torchvision/resnet", {"variant": "resnet18"}, 8, {"H": 96, "W": 96}, "adamw", "bfloat16"),
    ("gpt2_like", {"params": {"vocabulary": 512}}, 16, {"T": 32}, "adamw", "float32"),
    (
        "llama_like",
        {"params": {"vocabulary": 512}},
        16,
        {"T": 64},
        "adagrad",
        "float32",
    ),
    ("llama_like", {"params": {"depth": 6}}, 16, {"T": 64}, "adamw", "bfloat16"),
    ("lstm_classifier", {}, 32, {"T": 64}, "adamw", "float32"),
    ("wavenet_like", {}, 8, {"T": 512}, "adamw", "float32"),
    ("two_tower", {}, 512, {}, "adam", "float32"),
]


@pytest.mark.parametrize(("name", "chosen", "batch", "sizes", "optimizer", "dtype"), MODELS)
def test_it_is_what_torch_measures(
    name: str, chosen: Any, batch: int, sizes: dict[str, int], optimizer: str, dtype: str
) -> None:
    plan = netspec.plan(SPECS / f"{name}.yaml", **chosen)
    told = netspec.memory(
        plan, batch=batch, sizes=sizes, dtype=dtype, optimizer=optimizer, device="cpu"
    ).devices[0]
    model = netspec.build(plan, device="cpu", dtype=dtype)
    found = measure(model, given(plan, {**sizes, "N": batch}, dtype), OPTIMIZERS[optimizer])
    for which in ("parameters", "gradients", "optimizer", "buffers"):
        assert getattr(told, which) == getattr(found, which), which
    assert told.saved == pytest.approx(found.saved, rel=0.05)
    assert told.peak == pytest.approx(found.peak, rel=0.05)


def given(plan: netspec.Plan, sizes: dict[str, int], dtype: str = "float32") -> list[Tensor]:
    found = []
    for one in plan.inputs:
        name = dtype if one.type.is_floating else one.type.dtype
        shape = [evaluate(size, sizes) for size in one.type.shape]
        found.append(torch.zeros(shape, dtype=getattr(torch, name)))
    return found


@pytest.mark.parametrize(
    ("name", "chosen", "batch", "sizes"), sorted({m[0]: m[:4] for m in MODELS}.values())
)
def test_inference_takes_what_torch_measures(
    name: str, chosen: Any, batch: int, sizes: dict[str, int]
) -> None:
    plan = netspec.plan(SPECS / f"{name}.yaml", **chosen)
    chosen = {"batch": batch, "sizes": sizes, "training": False, "device": "cpu"}
    told = netspec.memory(plan, **chosen).devices[0]
    model = netspec.build(plan, device="cpu")
    found = measure_inference(model, given(plan, {**sizes, "N": batch}))
    assert told.peak == pytest.approx(found, rel=0.05)
    weights = told.parameters + told.buffers  # which alone are most of it
    assert told.peak - weights == pytest.approx(found - weights, rel=0.05)


LAYERS = [
    "gru: {hidden_size: 64, batch_first: true}",
    "gru: {hidden_size: 64, batch_first: true, bidirectional: true}",
    "rnn: {hidden_size: 64, batch_first: true, num_layers: 2}",
    "lstm: {hidden_size: 64, batch_first: true, num_layers: 2}",
    "swiglu: 256",
    "self_attention: {num_heads: 4, is_causal: true}",
    "moe_feed_forward: {num_experts: 4, hidden_features: 96}",
    "transformer_encoder_layer: {nhead: 4, dim_feedforward: 96, bias: false}",
    "transformer_encoder: {d_model: 48, nhead: 4, num_layers: 3, dim_feedforward: 96, norm: true, "
    "enable_nested_tensor: false}",
    "{from: [input, input], transformer_decoder_layer: {nhead: 4, batch_first: true}}",
    "grouped_query_attention: {num_heads: 4, num_kv_heads: 2, is_causal: true}",
]


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_that_compute_in_steps(layer: str) -> None:
    first = "from: a.output, " if "hidden_size" in layer or "moe" in layer else ""
    layer = layer if layer.startswith("{") else f"{{{layer}}}"
    text = f"netspec: 1\ninput: [N, T, 48]\nlayers: {{a: {layer}, b: {{{first}relu: }}}}\n"
    plan = netspec.plan(netspec.loads(text))
    model = netspec.build(plan, device="cpu")
    sizes: Any = {"batch": 16, "sizes": {"T": 32}, "device": "cpu"}
    inputs = given(plan, {"N": 16, "T": 32})
    for training in (False, True):
        told = netspec.memory(plan, **sizes, training=training, optimizer="sgd").devices[0]
        if training:
            found = measure(model, inputs, OPTIMIZERS["sgd"]).peak
        else:
            found = measure_inference(model, inputs)
        assert told.peak == pytest.approx(found, rel=0.05), f"training {training}"


def test_inference_of_a_layer_in_one_kernel_is_what_the_allocator_counts() -> None:
    """MemTracker does not see what torch's kernel of a whole encoder layer makes."""
    text = "[transformer_encoder_layer: {nhead: 4, dim_feedforward: 192, batch_first: true}]"
    plan = netspec.plan(netspec.loads(f"netspec: 1\ninput: [N, T, 48]\nlayers: {text}\n"))
    (told,) = netspec.memory(plan, batch=16, sizes={"T": 32}, training=False).devices
    model = netspec.build(plan, device="cpu").eval()
    (input,) = given(plan, {"N": 16, "T": 32})
    found = input.nbytes + allocated(lambda: model(input))
    assert told.peak - told.parameters == pytest.approx(found, rel=0.05)


def test_what_is_computed_again_is_not_saved() -> None:
    plan = netspec.plan(SPECS / "llama_like.yaml", params={"depth": 6})
    chosen: Any = {"batch": 16, "sizes": {"T": 64}, "device": "cpu"}
    (told,) = netspec.memory(plan, **chosen, placement=CHECKPOINTED).devices
    (without,) = netspec.memory(plan, **chosen).devices
    model = netspec.build(plan, device="cpu", placement=CHECKPOINTED)
    found = measure(model, given(plan, {"N": 16, "T": 64}), OPTIMIZERS["adamw"])
    assert told.saved == pytest.approx(found.saved, rel=0.05)
    assert told.saved < 0.3 * without.saved
    assert told.peak == pytest.approx(found.peak, rel=0.05)


LAYOUTS = [
    ("placement: 1\nmesh: auto\nfsdp: [layers.*]\n", 3),
    ("placement: 1\nmesh: {tp: 2}\ntensor_parallel: [layers.*]\n", 2),
    (
        "placement: 1\nmesh: {pp: 2, dp: 2}\npipeline: {stages: 2, microbatches: 2}\n"
        "fsdp: [layers.*]\n",
        4,
    ),
]


@pytest.mark.parametrize(("placement", "ranks"), LAYOUTS, ids=["fsdp", "tensor", "pipeline"])
def test_ranks_hold_what_is_told(placement: str, ranks: int) -> None:
    """Most dims are split unevenly: FSDP2 fills parameters and gradients up, and no state."""
    plan = netspec.plan(SPECS / "llama_like.yaml", params={"vocabulary": 50})
    chosen: Any = {"batch": 4, "sizes": {"T": 8}, "device": "cpu", "ranks": ranks}
    told = netspec.memory(plan, placement=placement, **chosen)
    by_rank = {
        rank: group.devices[0] for group in told.ranks for ranks in group.ranks for rank in ranks
    }
    found = on_ranks(ranks, bytes_of_a_rank, str(SPECS / "llama_like.yaml"), placement)
    for rank, measured in enumerate(found):
        one = by_rank[rank]
        assert (one.parameters, one.gradients, one.optimizer) == measured
    assert len(told.ranks) == (1 if "tensor" in placement else 2)


def bytes_of_a_rank(spec: str, placement: str) -> tuple[int, int, int]:
    """What a rank has after a step: parameters and gradients with what fills them up."""
    plan = netspec.plan(spec, params={"vocabulary": 50})
    made = netspec.distribute(plan, placement, device="cpu", seed=0)
    parameters = list(made.model.parameters())
    optimizer = torch.optim.AdamW(parameters, foreach=False)
    tokens = torch.zeros(4, 8, dtype=torch.int64)
    made.step(tokens, tokens, lambda output, _: output.square().mean())
    optimizer.step()
    state = [value for one in optimizer.state.values() for value in one.values()]
    gradients = [value.grad for value in parameters if value.grad is not None]
    return nbytes(local(parameters)), nbytes(local(gradients)), nbytes(local(state))


def local(values: Iterable[Tensor]) -> list[Tensor]:
    """What this rank has of each."""
    return [value.to_local() if isinstance(value, DTensor) else value for value in values]


@pytest.mark.parametrize(
    ("written", "saved"),
    [
        ("{column: [a], row: [b]}", 64 * (16 + 64 // 2) * 4),  # half of what is in between
        ("{gather: [a]}", 64 * (16 + 64) * 4),
    ],
)
def test_divided_layers_save_their_parts(written: str, saved: int) -> None:
    spec = "netspec: 1\ninput: [N, 16]\nlayers: {a: {linear: 64}, b: {linear: 32}}\n"
    placement = f"placement: 1\nmesh: {{tp: 2}}\ntensor_parallel: {written}\n"
    (told,) = netspec.memory(netspec.loads(spec), batch=64, placement=placement).devices
    assert told.saved == saved


def test_a_pipeline_keeps_the_microbatches_that_are_under_way() -> None:
    def saved(schedule: str) -> list[int]:
        pipeline = f"pipeline: {{stages: 2, microbatches: 4, schedule: {schedule}}}\n"
        placement = "placement: 1\nmesh: {pp: 2}\n" + pipeline
        plan = netspec.plan(SPECS / "llama_like.yaml", params={"depth": 8})
        told = netspec.memory(plan, batch=8, sizes={"T": 16}, placement=placement)
        return [group.devices[0].saved for group in told.ranks]

    first, last = saved("1f1b")  # two of the first stage, one of the last
    assert saved("gpipe") == [2 * first, 4 * last]


def test_a_cluster_on_a_laptop(tmp_path: Path) -> None:
    """70 billion parameters on 512 ranks, without torch, as the command tells it."""
    (tmp_path / "p.yaml").write_text(
        "placement: 1\nmesh: {dp: auto}\nfsdp: [layers.*]\ncheckpoint: [layers.*]\n"
    )
    words = ["plan", str(SPECS / "llama_like.yaml"), "--variant", "llama_3_70b", "--ranks", "512"]
    words += ["--placement", "p.yaml", "--batch", "1", "--size", "T=8192", "--dtype", "bfloat16"]
    script = f"import sys; from netspec.cli.main import main; main({[*words, '--json']}); "
    done = subprocess.run(
        [sys.executable, "-c", script + "assert 'torch' not in sys.modules"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["total_params"] == 70_553_706_496
    assert told["mesh"] == {"dp": 512}
    ranks = {tuple(one["ranks"][0]): one["devices"][0] for one in told["ranks"]}
    assert list(ranks) == [(0, 509), (510, 510), (511, 511)]
    rows = -(-128256 // 512)  # of the embedding and of the head, which 512 ranks cannot halve
    of_blocks = 70_553_706_496 - 2 * 128256 * 8192
    assert ranks[0, 509]["parameters"] == of_blocks // 512 * 2 + 2 * rows * 8192 * 2
    assert ranks[0, 509]["saved"] >= 80 * 8192 * 8192 * 2  # the inputs of the blocks


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"sizes": {"T": 4}}, "the size N of the input has no value"),
        ({"batch": 1}, "the size T of the input has no value"),
        ({"batch": 1, "sizes": {"T": 4, "H": 2}}, "H is no named size of the model's inputs"),
        ({"batch": 1, "sizes": {"T": 4, "N": 2}}, "the batch is 1, and the size N is 2"),
        ({"batch": 0, "sizes": {"T": 4}}, "the size N is not a number from 1 to"),
        ({"batch": 1, "sizes": {"T": 4}, "optimizer": "lion"}, "optimizer is 'lion', but may be"),
        ({"batch": 1, "sizes": {"T": 4}, "dtype": "int8"}, "dtype is 'int8', but may be"),
    ],
)
def test_sizes_that_the_model_does_not_take(chosen: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        netspec.memory(SPECS / "llama_like.yaml", **chosen)


@pytest.mark.parametrize(
    ("mesh", "ranks", "words"),
    [
        ("{dp: auto, tp: auto}", 8, "dp is 'auto' already"),
        ("{dp: auto, tp: 3}", 8, "8 ranks are no multiple of the 3 of the other axes"),
        ("{dp: 2, tp: 2}", 8, "the mesh has 4 ranks, but there are 8"),
        ("auto", None, "the number of ranks is not known"),
    ],
)
def test_a_mesh_that_does_not_fit_the_ranks(mesh: str, ranks: int | None, words: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.memory(
            SPECS / "fashion_mnist_mlp.yaml",
            batch=1,
            placement=f"placement: 1\nmesh: {mesh}\n",
            ranks=ranks,
        )
    assert words in str(caught.value)
    assert "<placement>:2:" in str(caught.value)
