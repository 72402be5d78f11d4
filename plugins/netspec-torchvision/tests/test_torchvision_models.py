"""The layers as torchvision's models have them, at the sizes of the models."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch
from netspec_torchvision.plugin import LAYERS
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models, ops
from torchvision.models import convnext, maxvit, swin_transformer
from torchvision.models.video import mvit
from torchvision.models.video import swin_transformer as video_swin

from netspec.plugin import LayerType, TensorType
from netspec.spec import Value

BY_NAME = {layer.name: layer for layer in LAYERS}
Arguments = dict[str, Value]


def window_arguments(module: Any) -> Arguments:
    return {
        "window_size": tuple(module.window_size),
        "shift_size": tuple(module.shift_size),
        "num_heads": module.num_heads,
        "attention_dropout": module.attention_dropout,
        "dropout": module.dropout,
    }


def attention_arguments(module: Any, config: Any, rel_pos: bool, size: list[int]) -> Arguments:
    return {
        "input_size": tuple(size),
        "output_dim": module.output_dim,
        "num_heads": module.num_heads,
        "kernel_q": tuple(config.kernel_q),
        "kernel_kv": tuple(config.kernel_kv),
        "stride_q": tuple(config.stride_q),
        "stride_kv": tuple(config.stride_kv),
        "residual_pool": module.residual_pool,
        "residual_with_cls_embed": module.residual_with_cls_embed,
        "rel_pos_embed": rel_pos,
    }


#: A class of torchvision, the layer that it is, and its arguments, read off a module.
LEAVES: dict[type, tuple[str, Callable[[Any], Arguments]]] = {
    ops.StochasticDepth: ("stochastic_depth", lambda m: {"p": m.p, "mode": m.mode}),
    ops.FrozenBatchNorm2d: ("frozen_batch_norm2d", lambda m: {"eps": m.eps}),
    convnext.LayerNorm2d: ("layer_norm2d", lambda m: {"eps": m.eps}),
    swin_transformer.ShiftedWindowAttention: ("shifted_window_attention", window_arguments),
    swin_transformer.ShiftedWindowAttentionV2: ("shifted_window_attention_v2", window_arguments),
    video_swin.ShiftedWindowAttention3d: ("shifted_window_attention3d", window_arguments),
    maxvit.RelativePositionalMultiHeadAttention: (
        "relative_positional_multi_head_attention",
        lambda m: {"head_dim": m.head_dim},
    ),
    maxvit.SwapAxes: ("swap_axes", lambda m: {"a": m.a, "b": m.b}),
    maxvit.WindowPartition: ("window_partition", lambda m: {}),
    maxvit.WindowDepartition: ("window_departition", lambda m: {}),
    mvit.PositionalEncoding: (
        "positional_encoding",
        lambda m: {
            "spatial_size": m.spatial_size,
            "temporal_size": m.temporal_size,
            "rel_pos_embed": m.spatial_pos is None,
        },
    ),
}


class Call(NamedTuple):
    """A leaf in a model, with what it was given, and the size of what it gave."""

    name: str
    module: nn.Module
    given: tuple[Any, ...]
    shape: tuple[int, ...]


def calls(model: nn.Module, input: tuple[int, ...], leaves: tuple[type, ...]) -> Iterator[Call]:
    """The leaves of a model, as it calls them."""
    found: list[Call] = []

    def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) else output
            found.append(Call(name, module, given, tuple(first.shape)))

        return hook

    for name, module in model.named_modules():
        if type(module) in leaves:
            module.register_forward_hook(record(name))
    with torch.no_grad():
        model.eval()(torch.empty(input, device="meta"))
    assert found
    yield from found


def check(layer: LayerType, arguments: Arguments, call: Call) -> None:
    """The rule says what the module did."""
    given: Tensor = call.given[0]
    input = TensorType(tuple(given.shape))
    inferred: Arguments = {
        name: mark.find(input, None)  # type: ignore[misc]
        for name, mark in layer.inferred.items()
    }
    output = layer.rule(input, **inferred, **arguments)
    assert output.shape == call.shape, call.name
    state = {key: tuple(value.shape) for key, value in call.module.state_dict().items()}
    parameters = [key for key, _ in call.module.named_parameters()]
    assert output.parameters == {key: state[key] for key in parameters}, call.name
    assert [*output.parameters] == [key for key in state if key in parameters], call.name
    assert [*output.buffers.items()] == [i for i in state.items() if i[0] not in parameters]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call.module.forward(*call.given)
    assert 2 * output.macs == counter.get_total_flops(), call.name


@pytest.mark.parametrize(
    ("name", "input"),
    [
        ("convnext_tiny", (2, 3, 224, 224)),
        ("efficientnet_b0", (2, 3, 224, 224)),
        ("swin_t", (2, 3, 224, 224)),
        ("swin_t", (1, 3, 199, 250)),
        ("swin_v2_t", (2, 3, 256, 256)),
        ("maxvit_t", (2, 3, 224, 224)),
        ("swin3d_t", (2, 3, 16, 224, 224)),
        ("swin3d_t", (1, 3, 5, 99, 150)),
        ("mvit_v1_b", (2, 3, 16, 224, 224)),
        ("mvit_v2_s", (2, 3, 16, 224, 224)),
    ],
)
def test_leaves_are_planned_as_the_model_calls_them(name: str, input: tuple[int, ...]) -> None:
    with torch.device("meta"):
        model = models.get_model(name, weights=None)
    for call in calls(model, input, tuple(LEAVES)):
        layer_name, read = LEAVES[type(call.module)]
        arguments = read(call.module)
        if layer_name == "window_partition":
            arguments = {"p": call.given[1]}
        elif layer_name == "window_departition":
            arguments = dict(
                zip(("p", "h_partitions", "w_partitions"), call.given[1:], strict=True)
            )
        check(BY_NAME[layer_name], arguments, call)


@pytest.mark.parametrize(("name", "rel_pos"), [("mvit_v1_b", False), ("mvit_v2_s", True)])
def test_the_attention_and_the_pools_of_mvit_are_planned_as_called(
    name: str, rel_pos: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[nn.Module, tuple[list[int], Any]] = {}
    original = mvit.MultiscaleBlock.__init__

    def initialise(self: Any, input_size: list[int], cnf: Any, **options: Any) -> None:
        original(self, input_size, cnf, **options)
        made[self.attn] = (list(input_size), cnf)
        if self.pool_skip is not None:
            made[self.pool_skip] = (list(input_size), cnf)

    monkeypatch.setattr(mvit.MultiscaleBlock, "__init__", initialise)
    with torch.device("meta"):
        model = models.get_model(name, weights=None)
    seen = set()
    for call in calls(model, (2, 3, 16, 224, 224), (mvit.MultiscaleAttention, mvit.Pool)):
        if call.module not in made:
            continue  # a pool of an attention
        size, config = made[call.module]
        if isinstance(call.module, mvit.Pool):
            arguments: Arguments = {"thw": call.given[1], "stride_q": tuple(config.stride_q)}
            check(BY_NAME["pool_skip"], arguments, call)
        else:
            arguments = attention_arguments(call.module, config, rel_pos, size)
            arguments["thw"] = call.given[1]
            check(BY_NAME["multiscale_attention"], arguments, call)
        seen.add(type(call.module))
    assert seen == {mvit.MultiscaleAttention, mvit.Pool}


def test_frozen_batch_norms_are_planned_as_the_detector_calls_them() -> None:
    with torch.device("meta"):
        model = models.resnet18(norm_layer=ops.FrozenBatchNorm2d)
    for call in calls(model, (2, 3, 64, 64), (ops.FrozenBatchNorm2d,)):
        check(BY_NAME["frozen_batch_norm2d"], {"eps": 1e-5}, call)
