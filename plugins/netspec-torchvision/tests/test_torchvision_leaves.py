"""What is planned, without torch, is what torchvision's modules do; or both refuse."""

import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_torchvision import plugin
from netspec_torchvision.plugin import LAYERS
from torch import nn

import netspec
from netspec.plugin import (
    FromClass,
    Inferred,
    LastSize,
    LayerType,
    Output,
    Refusal,
    Size,
    TensorType,
)
from netspec.sizes import substitute, symbol
from netspec.spec import Value
from netspec.testing import TorchRefusal, observe

# One without a rule is in test_squeeze_excitation.py.
RULED = [layer for layer in LAYERS if not isinstance(layer, FromClass)]
BY_NAME = {layer.name: layer for layer in RULED}
every_layer = pytest.mark.parametrize("name", BY_NAME)


class Case(NamedTuple):
    """Written arguments, the input, and the dims whose sizes may be unknown."""

    written: Mapping[str, Value]
    input: TensorType
    open_dims: tuple[int, ...]


Draw = st.DrawFn
SMALL = st.integers(1, 4)
BATCH = st.sampled_from([2, 1, 3, 0])


def triple(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(values, values, values)


def heads_and_dim(draw: Draw) -> tuple[int, int]:
    """A number of heads, and a dim that it mostly divides."""
    heads = draw(SMALL)
    return heads, draw(SMALL) * heads + draw(st.sampled_from([0] * 7 + [1]))


def batch_of(draw: Draw, size: int) -> int:
    """``size``, or rarely another one."""
    return draw(st.sampled_from([size] * 9 + [1, size + 1]))


def stochastic_depth(draw: Draw) -> Case:
    shape = draw(st.lists(st.integers(0, 4), max_size=5))
    return Case(
        {
            "p": draw(st.sampled_from([0.0, 0.1, 1.0, 0])),
            "mode": draw(st.sampled_from(["row", "batch"])),
        },
        TensorType(tuple(shape), draw(st.sampled_from(["float32", "float64", "float16"]))),
        tuple(range(len(shape))),
    )


def layer_norm2d(draw: Draw) -> Case:
    written: dict[str, Value] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "eps": st.sampled_from([1e-6, 1e-5, 1]),
                "elementwise_affine": st.booleans(),
                "bias": st.booleans(),
            },
        )
    )
    rank = draw(st.sampled_from([4, 4, 4, 3, 5]))
    shape = (draw(BATCH), *(draw(SMALL) for _ in range(rank - 1)))
    if draw(st.booleans()):
        written["normalized_shape"] = draw(st.sampled_from([shape[1], (shape[1],)]))
    return Case(written, TensorType(shape, draw(dtypes())), (0, 2, 3))


def dtypes() -> st.SearchStrategy[str]:
    return st.sampled_from(["float32"] * 8 + ["float64", "int64"])


def frozen_batch_norm2d(draw: Draw) -> Case:
    dtype = draw(st.sampled_from(["float32", "float64", "float16", "bfloat16"]))
    shape = draw(st.tuples(BATCH, SMALL, SMALL, SMALL))
    return Case({"eps": draw(st.sampled_from([0, 1e-5]))}, TensorType(shape, dtype), (0, 2, 3))


def windows(dims: int) -> Any:
    def drawn(draw: Draw) -> Case:
        heads, dim = heads_and_dim(draw)
        size = st.sampled_from([2, 3, 4, 2, 3, 4, 1])
        written: dict[str, Value] = {
            "window_size": tuple(draw(size) for _ in range(dims)),
            "shift_size": tuple(draw(st.integers(0, 3)) for _ in range(dims)),
            "num_heads": heads,
        }
        more = {
            "qkv_bias": st.booleans(),
            "proj_bias": st.booleans(),
            "dropout": st.sampled_from([0.0, 0.5]),
        }
        written |= draw(st.fixed_dictionaries({}, optional=more))
        sizes = [draw(st.sampled_from([3, 1, 2, 4, 5, 7, 8, 9, 0])) for _ in range(dims)]
        input = TensorType((draw(BATCH), *sizes, dim), draw(dtypes()))
        return Case(written, input, tuple(range(dims + 1)))

    return drawn


def patch_merging_pad(draw: Draw) -> Case:
    shape = draw(st.lists(st.integers(0, 5), min_size=2, max_size=5))
    dtype = draw(st.sampled_from(["float32", "int64", "bool", "float16"]))
    return Case({}, TensorType(tuple(shape), dtype), tuple(range(len(shape))))


def patch_embed_pad3d(draw: Draw) -> Case:
    shape = tuple(draw(st.lists(st.integers(0, 6), min_size=5, max_size=5)))
    return Case({"patch_size": draw(triple(SMALL))}, TensorType(shape), (0, 1, 2, 3, 4))


def relative_positional_multi_head_attention(draw: Draw) -> Case:
    head_dim, feat_dim = heads_and_dim(draw)
    length = draw(st.sampled_from([4, 1, 9, 16, 25, 3, 8]))
    written: dict[str, Value] = {"head_dim": head_dim}
    if draw(st.booleans()):
        written["max_seq_len"] = length
    input = TensorType((draw(BATCH), draw(BATCH), length, feat_dim), draw(dtypes()))
    return Case(written, input, (0, 1))


def swap_axes(draw: Draw) -> Case:
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    written = draw(st.fixed_dictionaries({"a": st.integers(-5, 4), "b": st.integers(-4, 3)}))
    return Case(written, TensorType(shape, "int64"), tuple(range(len(shape))))


def window_partition(draw: Draw) -> Case:
    p = draw(SMALL)
    height, width = (p * draw(st.integers(0, 4)) + draw(st.sampled_from([0, 0, 1])) for _ in "hw")
    shape = (draw(SMALL), draw(SMALL), height, width)
    return Case({"p": p}, TensorType(shape), (0, 1, 2, 3))


def window_departition(draw: Draw) -> Case:
    written = draw(
        st.fixed_dictionaries({"p": SMALL, "h_partitions": SMALL, "w_partitions": SMALL})
    )
    windows = batch_of(draw, written["h_partitions"] * written["w_partitions"])
    length = batch_of(draw, written["p"] ** 2)
    return Case(written, TensorType((draw(SMALL), windows, length, draw(SMALL))), (0, 1, 2, 3))


def multiscale_attention(draw: Draw) -> Case:
    heads, output_dim = heads_and_dim(draw)
    size = draw(triple(SMALL))
    thw = draw(st.none() | triple(SMALL))
    numbers = st.sampled_from([(), (1, 1, 1), (3, 3, 3), (1, 2, 2), (2, 3, 1), (3, 1, 4), (2, 2)])
    usual = st.sampled_from([(3, 3, 3), (1, 3, 3), (1, 1, 1)])
    strides = st.sampled_from([(1, 2, 2), (1, 1, 1), (2, 1, 3)])
    written: dict[str, Value] = draw(
        st.fixed_dictionaries(
            {
                "output_dim": st.just(output_dim),
                "num_heads": st.just(heads),
                # One of the four is rarely wrong, so that most cases fit in all of them.
                "kernel_q": st.one_of(*[usual] * 9, numbers),
                "kernel_kv": st.one_of(*[usual] * 9, numbers),
                "stride_q": st.one_of(*[strides] * 9, numbers),
                "stride_kv": st.one_of(*[strides] * 9, numbers),
                "residual_pool": st.booleans(),
                "residual_with_cls_embed": st.booleans(),
                "rel_pos_embed": st.booleans(),
            },
            optional={"dropout": st.sampled_from([0.0, 0.5]), "norm_eps": st.just(1e-6)},
        )
    )
    written["input_size"] = size
    if thw is not None or draw(st.booleans()):
        written["thw"] = thw
    t, h, w = thw or size
    shape = (draw(BATCH), batch_of(draw, 1 + t * h * w), draw(SMALL))
    dtype = draw(st.one_of(*[st.just("float32")] * 3, dtypes()))
    return Case(written, TensorType(shape, dtype), (0, 1))


def pool_skip(draw: Draw) -> Case:
    thw = draw(triple(SMALL))
    length = batch_of(draw, 1 + thw[0] * thw[1] * thw[2])
    input = TensorType((draw(BATCH), length, draw(SMALL)), draw(dtypes()))
    return Case({"thw": thw, "stride_q": draw(triple(SMALL))}, input, (0, 1, 2))


def positional_encoding(draw: Draw) -> Case:
    spatial, temporal = draw(st.tuples(SMALL, SMALL)), draw(SMALL)
    length = batch_of(draw, spatial[0] * spatial[1] * temporal)
    written: dict[str, Value] = {
        "spatial_size": spatial,
        "temporal_size": temporal,
        "rel_pos_embed": draw(st.booleans()),
    }
    return Case(written, TensorType((draw(BATCH), length, draw(SMALL)), draw(dtypes())), (0, 1))


DRAWN = {
    "stochastic_depth": stochastic_depth,
    "layer_norm2d": layer_norm2d,
    "frozen_batch_norm2d": frozen_batch_norm2d,
    "shifted_window_attention": windows(2),
    "shifted_window_attention_v2": windows(2),
    "shifted_window_attention3d": windows(3),
    "patch_merging_pad": patch_merging_pad,
    "patch_embed_pad3d": patch_embed_pad3d,
    "relative_positional_multi_head_attention": relative_positional_multi_head_attention,
    "swap_axes": swap_axes,
    "window_partition": window_partition,
    "window_departition": window_departition,
    "multiscale_attention": multiscale_attention,
    "pool_skip": pool_skip,
    "positional_encoding": positional_encoding,
}


def cases(name: str) -> st.SearchStrategy[Case]:
    return st.composite(DRAWN[name])()


def completed(layer: LayerType, case: Case) -> dict[str, Value]:
    """The arguments with those that follow from the input, as netspec completes them."""
    complete = dict(case.written)
    for name, inferred in layer.inferred.items():
        if name not in complete:
            complete[name] = cast(Value, inferred.find(case.input, None))
    return complete


def planned(layer: LayerType, case: Case) -> Output | Refusal:
    try:
        return layer.rule(case.input, **completed(layer, case))
    except Refusal as refused:
        return refused


def why_lenient(name: str, case: Case, refused: Refusal) -> str | None:
    """Why torchvision takes what netspec refuses."""
    shape, message = case.input.shape, refused.message
    if "windows are squares" in message:
        return "torchvision shares one value between places of such a window, where it fits"
    if "makes nan" in message:
        return "nan has a shape too"
    if "holds" in message:
        return "torch promotes dtypes, or does not look at them where nothing is computed"
    if name.startswith("shifted_window") and 0 in shape[1:]:
        return "torch computes nothing from nothing"
    if name == "patch_merging_pad" or (name == "window_partition" and 0 in shape):
        return "torch reshapes nothing to nothing"
    if name == "relative_positional_multi_head_attention" and 0 in shape[:2]:
        return "torch splits nothing into heads"
    if name.startswith("shifted_window") and shape[0] == 0:
        return "torch splits nothing into heads"
    if name == "stochastic_depth" and not shape:
        return "in training torch refuses"
    if name == "multiscale_attention" and "pools" not in message and "a class token" in message:
        return "without pools and relative positions torch does not look at the size"
    if name == "multiscale_attention" and "takes three numbers" in message:
        return "torch does not look at lists of pools that are not made"
    if name == "positional_encoding" and case.written["rel_pos_embed"]:
        return "without positions torch does not look at the size"
    return None


@every_layer
def test_the_rule_says_what_torchvision_does(name: str) -> None:
    """Shape, dtype, parameters, buffers and, on meta, FLOPs; or both refuse."""
    layer, drawn = BY_NAME[name], Counter[bool]()

    @settings(deadline=None, max_examples=30 * (1 + len(layer.arguments) // 4))
    @given(cases(name))
    def law(case: Case) -> None:
        plan = planned(layer, case)
        drawn[isinstance(plan, Output)] += 1
        if isinstance(plan, Refusal):
            if not why_lenient(name, case, plan):
                refuses(layer, case, plan)
            return
        for device in ("cpu", "meta"):
            real = observe(layer, completed(layer, case), (case.input,), device)
            assert not isinstance(real, TorchRefusal), f"{real.message} on {device}"
            given = TensorType(tuple(plan.shape), plan.dtype or case.input.dtype)
            assert real.outputs[0] == given
            assert list(real.parameters.items()) == list(plan.parameters.items())
            assert list(real.buffers.items()) == list(plan.buffers.items())
            if real.flops is not None:
                assert plan.macs * 2 == real.flops

    law()
    enough_fit(drawn)


def refuses(layer: LayerType, case: Case, refused: Refusal) -> None:
    try:
        arguments = completed(layer, case)
    except Refusal:  # what would follow from the input does not
        arguments = {**dict.fromkeys(layer.inferred, 1), **case.written}
    real = observe(layer, arguments, (case.input,), "cpu")
    assert isinstance(real, TorchRefusal), f"refused, but torch gives {real}: {refused.message}"


NAMES = ("N", "A", "B", "C", "D")


@every_layer
def test_numbers_put_into_a_symbolic_plan_give_the_concrete_one(name: str) -> None:
    layer, drawn = BY_NAME[name], Counter[bool]()

    @settings(deadline=None)
    @given(st.data(), cases(name))
    def law(data: st.DataObject, case: Case) -> None:
        opened = [
            dim for dim in case.open_dims if dim < case.input.rank and data.draw(st.booleans())
        ]
        shape: list[Size] = [*case.input.shape]
        for dim in opened:
            size = cast(int, shape[dim])
            least = data.draw(st.none() | st.integers(0, size))
            most = data.draw(st.none() | st.integers(size, size + 4))
            shape[dim] = symbol(NAMES[dim], minimum=least, maximum=most)
        values = {NAMES[dim]: cast(int, case.input.shape[dim]) for dim in opened}
        symbolic = planned(layer, case._replace(input=case.input._replace(shape=tuple(shape))))
        concrete = planned(layer, case)
        if isinstance(symbolic, Refusal):
            drawn[False] += 1
            undecided = "cannot be decided" in symbolic.message
            assert undecided or isinstance(concrete, Refusal), symbolic.message
            return
        drawn[True] += 1
        if not all(holds(need, values) for need in symbolic.needs):
            assert isinstance(concrete, Refusal)
            return
        assert isinstance(concrete, Output), f"fine with names, but {concrete}"
        assert tuple(substitute(size, values) for size in symbolic.shape) == concrete.shape
        assert substitute(symbolic.macs, values) == concrete.macs
        assert symbolic.parameters == concrete.parameters
        assert symbolic.buffers == concrete.buffers
        assert symbolic.dtype == concrete.dtype

    law()
    enough_fit(drawn)


def enough_fit(drawn: Counter[bool]) -> None:
    least = drawn.total() / 4 if drawn.total() >= 200 else 1  # a few may all be unlucky
    assert drawn[True] >= least, f"only {drawn[True]} of {drawn.total()} fit"


def holds(need: Any, values: Mapping[str, int]) -> bool:
    size, other = (cast(int, substitute(value, values)) for value in (need.size, need.other))
    if need.kind == "at_least":
        return size >= other
    return size == other if need.kind == "same" else size % other == 0


def fails(name: str, shape: tuple[Size, ...], **written: Value) -> str:
    refused = planned(BY_NAME[name], Case(written, TensorType(shape), ()))
    assert isinstance(refused, Refusal)
    return refused.message


def test_what_is_refused_names_the_sizes() -> None:
    window: dict[str, Value] = {"window_size": (7, 7), "shift_size": (0, 0), "num_heads": 3}
    assert fails("shifted_window_attention", (96, 56, 56), **window) == (
        "shifted_window_attention takes [N, H, W, C], but its input is [96, 56, 56]"
    )
    assert fails("shifted_window_attention", (1, 56, 56, 97), **window) == (
        "the input's last size 97 cannot be split into 3 heads"
    )
    assert fails("window_partition", (1, 64, 56, 55), p=7) == (
        "the image of 56 x 55 cannot be cut into windows of 7 x 7"
    )
    assert "8 values make none" in fails(
        "relative_positional_multi_head_attention", (1, 4, 8, 32), head_dim=32
    )
    assert "16 windows, but the input [1, 15, 49, 64] has 15" in fails(
        "window_departition", (1, 15, 49, 64), p=7, h_partitions=4, w_partitions=4
    )
    assert fails("positional_encoding", (1, 99, 8), spatial_size=(7, 7), temporal_size=2,
                 rel_pos_embed=True) == (
        "2 x 7 x 7 are 98 values, but the input [1, 99, 8] has 99"
    )  # fmt: skip


def test_a_window_in_a_video_of_any_size_needs_a_least_size() -> None:
    window: dict[str, Value] = {"window_size": (8, 7, 7), "shift_size": (0, 0, 0), "num_heads": 1}
    shape = (symbol("N"), symbol("T"), 14, 14, 4)
    assert "cannot be decided" in fails("shifted_window_attention3d", shape, **window)
    attention = BY_NAME["shifted_window_attention3d"]
    for least, most in ((8, None), (1, 8)):
        long = symbol("T", minimum=least, maximum=most)
        case = Case(window, TensorType((symbol("N"), long, 14, 14, 4)), ())
        assert isinstance(planned(attention, case), Output)


@every_layer
def test_the_declared_arguments_are_those_of_the_class(name: str) -> None:
    layer = BY_NAME[name]
    module, _, made = layer.target.rpartition(".")
    constructor = getattr(import_module(module), made)
    if name == "layer_norm2d":  # LayerNorm's, which also has a device and a dtype
        known = {"normalized_shape": inspect.Parameter.empty, "eps": 1e-5}
        known |= {"elementwise_affine": True, "bias": True}
    else:
        initialiser = constructor.__init__
        is_module = initialiser is nn.Module.__init__  # which takes anything, for its subclasses
        parameters = {} if is_module else inspect.signature(constructor).parameters
        known = {name: parameter.default for name, parameter in parameters.items()}
    assert list(layer.arguments) == list(known)
    assert layer.defaults == {
        name: value for name, value in known.items() if value is not inspect.Parameter.empty
    }
    assert layer.alias == constructor.__name__
    assert layer.description


def test_layers_are_called_after_their_classes() -> None:
    for layer in LAYERS:
        assert layer.name.replace("_", "") == layer.alias.lower()


def test_what_the_input_determines_is_inferred() -> None:
    inferred = {layer.name: [*layer.inferred] for layer in RULED if layer.inferred}
    assert inferred == {
        "layer_norm2d": ["normalized_shape"],
        "frozen_batch_norm2d": ["num_features"],
        "shifted_window_attention": ["dim"],
        "shifted_window_attention_v2": ["dim"],
        "shifted_window_attention3d": ["dim"],
        "relative_positional_multi_head_attention": ["feat_dim", "max_seq_len"],
        "multiscale_attention": ["embed_dim"],
        "positional_encoding": ["embed_size"],
    }
    (mark,) = (note for note in cast(Any, LastSize).__metadata__ if isinstance(note, Inferred))
    with pytest.raises(Refusal, match="no last size"):
        mark.find(TensorType(()))


def test_the_readme_shows_a_spec_that_is_right() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    registry = netspec.Registry()
    registry.register(plugin)
    planned = netspec.plan(
        netspec.loads(text.split("```yaml\n")[1].split("```")[0]), registry=registry
    )
    assert planned.output_shape[1:] == (28, 28, 192)
    assert all(f"| `{layer.name}` |" in text for layer in LAYERS)


def test_the_declarations_do_not_import_torch() -> None:
    code = f"import sys; sys.path[:] = {sys.path!r}; import netspec_torchvision.plugin"
    code += "; sys.exit(bool({'torch', 'torchvision'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
