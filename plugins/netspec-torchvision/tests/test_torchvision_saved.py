"""What the rules say is saved for backward is what torch saves in training on the cpu."""

from collections.abc import Mapping

import pytest
from netspec_torchvision.plugin import LAYERS

from netspec.plugin import FromClass, Output, TensorType
from netspec.spec import Value
from netspec.testing.observation import saved_bytes

BY_NAME = {layer.name: layer for layer in LAYERS if not isinstance(layer, FromClass)}
Shape = tuple[int, ...]
Case = tuple[str, dict[str, Value], Shape]

WINDOWS: dict[str, Value] = {"window_size": (2, 3), "shift_size": (1, 1), "num_heads": 2}
WINDOWS3D: dict[str, Value] = {"window_size": (2, 2, 3), "shift_size": (0, 1, 1), "num_heads": 2}
DROPOUTS: dict[str, Value] = {"attention_dropout": 0.1, "dropout": 0.1}
POOLS: dict[str, Value] = {
    "input_size": (2, 4, 6),
    "output_dim": 12,
    "num_heads": 3,
    "kernel_q": (3, 3, 3),
    "kernel_kv": (3, 3, 3),
    "stride_q": (1, 2, 2),
    "stride_kv": (1, 2, 3),
    "residual_pool": True,
    "residual_with_cls_embed": False,
    "rel_pos_embed": True,
}
NO_POOLS: dict[str, Value] = {"kernel_q": (), "kernel_kv": (), "stride_q": (), "stride_kv": ()}
PLAIN: dict[str, Value] = {"rel_pos_embed": False, "residual_pool": False}

CASES: list[Case] = [
    ("stochastic_depth", {"p": 0.0, "mode": "row"}, (2, 6, 4)),
    ("stochastic_depth", {"p": 0.1, "mode": "row"}, (2, 6, 4)),
    ("stochastic_depth", {"p": 0.1, "mode": "batch"}, (2, 6, 4)),
    ("layer_norm2d", {}, (2, 6, 4, 5)),
    ("layer_norm2d", {"elementwise_affine": False}, (2, 6, 4, 5)),
    ("frozen_batch_norm2d", {}, (2, 6, 4, 5)),
    ("shifted_window_attention", WINDOWS, (2, 4, 6, 12)),
    ("shifted_window_attention", WINDOWS, (2, 3, 5, 12)),
    ("shifted_window_attention", WINDOWS | DROPOUTS, (2, 4, 6, 12)),
    ("shifted_window_attention", WINDOWS | {"num_heads": 1}, (2, 4, 6, 12)),
    ("shifted_window_attention_v2", WINDOWS, (2, 3, 5, 12)),
    ("shifted_window_attention_v2", WINDOWS | DROPOUTS, (2, 4, 6, 12)),
    ("shifted_window_attention_v2", WINDOWS | {"num_heads": 1}, (2, 4, 6, 12)),
    ("shifted_window_attention3d", WINDOWS3D, (2, 2, 4, 6, 12)),
    ("shifted_window_attention3d", WINDOWS3D | DROPOUTS, (2, 4, 3, 5, 12)),
    ("shifted_window_attention3d", WINDOWS3D, (2, 1, 4, 6, 12)),
    ("patch_merging_pad", {}, (2, 3, 5, 4)),
    ("patch_embed_pad3d", {"patch_size": (2, 4, 4)}, (1, 3, 3, 7, 8)),
    ("relative_positional_multi_head_attention", {"head_dim": 4}, (2, 5, 9, 12)),
    ("swap_axes", {"a": -2, "b": -3}, (2, 3, 4, 5)),
    ("window_partition", {"p": 2}, (2, 3, 4, 6)),
    ("window_departition", {"p": 2, "h_partitions": 2, "w_partitions": 3}, (2, 6, 4, 3)),
    ("multiscale_attention", POOLS, (2, 49, 6)),
    ("multiscale_attention", POOLS | PLAIN, (2, 49, 6)),
    ("multiscale_attention", POOLS | {"dropout": 0.1}, (2, 49, 6)),
    ("multiscale_attention", POOLS | {"num_heads": 1}, (2, 49, 6)),
    ("multiscale_attention", POOLS | NO_POOLS, (2, 49, 6)),
    ("multiscale_attention", POOLS | NO_POOLS | PLAIN, (2, 49, 6)),
    ("pool_skip", {"thw": (4, 4, 4), "stride_q": (1, 2, 2)}, (2, 65, 6)),
    (
        "positional_encoding",
        {"spatial_size": (2, 3), "temporal_size": 4, "rel_pos_embed": False},
        (2, 24, 6),
    ),
]


def test_every_layer_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == BY_NAME.keys()


@pytest.mark.parametrize(
    ("name", "written", "shape"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_the_rule_says_what_torch_saves(
    name: str, written: Mapping[str, Value], shape: Shape
) -> None:
    layer, input = BY_NAME[name], TensorType(shape)
    arguments = dict(written)
    for argument, inferred in layer.inferred.items():
        found = inferred.find(input, None)
        assert isinstance(found, int)
        arguments[argument] = found
    output = layer.rule(input, **arguments)
    assert isinstance(output, Output)
    assert output.saves in ((), ("input",))
    planned = output.saved_bytes + len(output.saves) * input.nbytes
    assert planned == saved_bytes(layer, arguments, (input,))
