"""Tensor parallel and pipelines without torch: what they find, and what they refuse, and where."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import netspec
from netspec.diagnostics import Diagnostics
from netspec.distributed import Context
from netspec.placement.document import read_placement
from netspec.placement.lay_out import lay_out
from netspec.placement.layout import Action, Layout, Misplaced, Placed, Shard
from netspec.placement.strategy import Strategy, strategy
from netspec.plugin import Output, Splits, TensorType, hookimpl, layer
from netspec.registry import PluginError, Registry

SPEC = """\
netspec: 1
input: {shape: [N, T], dtype: int64}
layers:
  embed: {embedding: {num_embeddings: 90, embedding_dim: 12}}
  blocks:
    - layers:
        - residual:
            norm: layer_norm
            attn: {grouped_query_attention: {num_heads: 6, num_kv_heads: 3}}
    - layers:
        up: {linear: 24}
        act: {relu: {inplace: true}}
        drop: {dropout: 0.1}
        down: {linear: 12}
    - layers: [residual: {norm: layer_norm, mlp: {swiglu: 16}}]
    - layers: {one: {linear: 12}, norm: layer_norm, two: {linear: 12}, three: {linear: 12}}
  head: {linear: {out_features: 90, bias: false}}
"""
TIED = SPEC.replace("layers:\n  embed", "tie: {head.weight: embed.weight}\nlayers:\n  embed", 1)
FLOW = """\
netspec: 1
input: [N, 8]
layers:
  - residual: {up: {linear: 16}, act: gelu, down: {linear: 8}}
  - {name: a, linear: 8}
"""


def laid_out(text: str, spec: str = SPEC, registry: Registry | None = None) -> Layout:
    found = Diagnostics()
    registry = registry or Registry(installed=["transformer"])
    plan = netspec.plan(netspec.loads(spec, "model.yaml"), registry=registry)
    layout = lay_out(plan, read_placement("placement: 1\n" + text), registry, found)
    if layout is None:
        raise netspec.SpecError(found.all())
    return layout


def refused(text: str, spec: str = SPEC, registry: Registry | None = None) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        laid_out(text, spec, registry)
    return str(caught.value)


def test_pairs_are_found_by_what_layers_declare() -> None:
    spec = SPEC.replace("{relu: {inplace: true}}", "relu")
    layout = laid_out("mesh: {tp: 3}\ntensor_parallel: ['**']\n", spec.replace("16}", "15}"))
    split = {path: dict(placed.shards) for path, placed in layout.layers.items()}
    column, row = (Shard("tp", 0),), (Shard("tp", 1),)
    assert split == {
        "blocks.0.attn": {
            "q_proj.weight": column,
            "k_proj.weight": column,
            "v_proj.weight": column,
            "o_proj.weight": row,
        },
        "blocks.1.up": {"weight": column, "bias": column},
        "blocks.1.down": {"weight": row},
        "blocks.2.mlp": {"gate_proj.weight": column, "up_proj.weight": column,
                         "down_proj.weight": row},
        "blocks.3.two": {"weight": column, "bias": column},
        "blocks.3.three": {"weight": row},
    }  # fmt: skip


def test_what_is_divided_is_sharded_too() -> None:
    layout = laid_out("mesh: {dp: 2, tp: 3}\nfsdp:\ntensor_parallel: {gather: [head]}\n")
    assert layout.placed("head").shards == {"weight": (Shard("tp", 0), Shard("dp", 0))}
    assert layout.axes == {"tp": "tensor_parallel", "dp": "fsdp"}
    assert layout.batch_axes == ("dp",)


def test_stages_cost_alike_and_keep_their_order() -> None:
    layers = "".join(f"  l{n}: {{linear: {size}}}\n" for n, size in enumerate([512, 512, 8, 8, 8]))
    spec = f"netspec: 1\ninput: [N, 512]\nlayers:\n{layers}"
    layout = laid_out("mesh: {pp: 3}\npipeline: {schedule: gpipe}\n", spec)
    assert [layout.placed(f"l{n}").stage for n in range(5)] == [0, 1, 2, 2, 2]
    nested = laid_out("mesh: {pp: 3}\npipeline: {cut: [head, blocks.2]}\n")
    assert nested.actions[0].settings["stages"] == (
        ("embed", "blocks.0", *(f"blocks.1.{name}" for name in ("up", "act", "drop", "down"))),
        ("blocks.2", *(f"blocks.3.{name}" for name in ("one", "norm", "two", "three"))),
        ("head",),
    )


TENSOR = [
    ("{layers: [blocks.0]}", 4, "`blocks.0.attn` has num_heads 6, which the 4 ranks of 'tp'"),
    ("{layers: [blocks.0]}", 2, "has num_kv_heads 3, which the 2 ranks of 'tp' cannot share"),
    ("{layers: [blocks.2]}", 3, "gate_proj.weight of `blocks.2.mlp` is [16, 12]: its 16 values"),
    ("{layers: [blocks.1]}", 2, "`blocks.1.act` writes into what `blocks.1.up` gives"),
    ("{layers: [embed]}", 2, "tensor_parallel finds no pair of layers that can be divided"),
    ("{column: [blocks.3.one]}", 2, "divided by columns, but `blocks.3.norm` (layer_norm) needs"),
    ("{column: [head]}", 2, "`head` is divided by columns, but the model's output has to be whole"),
    ("{column: [blocks.3.two, blocks.3.three]}", 2, "but `blocks.3.three` needs all features"),
    ("{row: [blocks.3.three]}", 2, "divided by rows, but no column comes before it"),
    ("{row: [blocks.0.attn]}", 2, "a grouped_query_attention, which cannot be divided by its rows"),
    ("{column: [blocks.1]}", 2, "`blocks.1` is a container, which cannot be divided"),
    ("{row: [head], gather: [head]}", 2, "`head` is under row and under gather"),
    ("{gather: [heed]}", 2, "the pattern 'heed' matches no layer"),
]


@pytest.mark.parametrize(("settings", "ranks", "words"), TENSOR)
def test_layers_that_cannot_be_divided(settings: str, ranks: int, words: str) -> None:
    said = refused(f"mesh: {{tp: {ranks}}}\ntensor_parallel: {settings}\n")
    assert words in said
    assert "<placement>:3:" in said
    if "`" in words:
        assert "is written here (model.yaml:" in said


def test_a_merge_of_divided_and_whole_values_is_told() -> None:
    said = refused("mesh: {tp: 2}\ntensor_parallel: {column: [up, down, a]}\n", FLOW)
    assert "`up` is divided by columns, but `down` needs all features" in said
    said = refused("mesh: {tp: 2}\ntensor_parallel: {column: [down]}\n", FLOW)
    assert "`down` is divided by columns, but `residual` needs whole values" in said
    assert "`residual` is written here (model.yaml:4:" in said


def test_tied_weights_are_split_alike() -> None:
    text = "mesh: {tp: 2}\ntensor_parallel: {gather: [head]ROW}\n"
    said = refused(text.replace("ROW", ""), TIED)
    assert "head.weight is tied to embed.weight, but they would be split differently" in said
    laid_out(text.replace("ROW", ", row: [embed]"), TIED)


PIPELINE = [
    ("pp: 3", "{stages: 2}", "there are 2 stages, but 'pp' has 3 ranks"),
    ("pp: 2", "{schedule: interleaved, stages: 2}", "interleaved gives each of the 2 ranks"),
    ("pp: 2", "{schedule: interleaved, microbatches: 5}", "5 microbatches in 2 rounds"),
    ("pp: 3", "{microbatches: 2}", "1f1b needs a microbatch for each stage"),
    ("pp: 2", "{cut: [blocks.0.attn]}", "inside of `blocks.0`, whose layers are no chain"),
    ("pp: 2", "{cut: [embed]}", "the model begins with `embed`: the first stage would be empty"),
    ("pp: 3", "{cut: [blocks.1, blocks.1.up]}", "two stages would begin with `blocks.1.up`"),
    ("pp: 3", "{stages: 3, cut: [head]}", "1 cuts make 2 stages, not 3"),
    ("pp: 20", "", "the model's chain has 12 layers, too few for 20 stages"),
]


@pytest.mark.parametrize(("mesh", "settings", "words"), PIPELINE)
def test_pipelines_that_cannot_be(mesh: str, settings: str, words: str) -> None:
    said = refused(f"mesh: {{{mesh}}}\npipeline: {settings}\n")
    assert words in said
    assert "<placement>:3:" in said


def test_models_that_are_no_pipeline() -> None:
    pipeline = "mesh: {pp: 2}\npipeline:\n"
    said = refused(pipeline, FLOW)
    assert "values go other ways than from each layer to the next" in said
    assert "`residual` is written here (model.yaml:4:" in said
    said = refused(pipeline, TIED)
    assert "they are in the stages 0 and 1" in said
    assert "`embed` is written here (model.yaml:5:11)" in said
    said = refused(pipeline, "netspec: 1\ninput: [7, 4]\nlayers: [{linear: 4}, {linear: 4}]\n")
    assert "a batch of 7 cannot be split into 2 equal microbatches" in said
    said = refused(
        pipeline,
        "netspec: 1\ninput: {shape: [N, 4], dtype: int64}\n"
        "layers: [flatten, embedding: {num_embeddings: 9, embedding_dim: 4}]\n",
    )
    assert "the stages do not meet: `0` gives [N, 4] int64" in said


def test_a_view_that_leaves_its_shards_is_not_written_into() -> None:
    spec = (
        "netspec: 1\ninput: [N, 4, 2]\nlayers: {a: [linear: 4, flatten], b: [LAYER, linear: 4]}\n"
    )
    fsdp = "mesh: {dp: 2}\nfsdp: [a, b]\n"
    inplace = spec.replace("LAYER", "{relu: {inplace: true}}")
    said = refused(fsdp, inplace)
    assert "`b.0` writes into what `a.1` gives, a view that leaves the group `a`" in said
    laid_out(fsdp.replace("a, b", "'a.0'"), inplace)
    laid_out(fsdp, spec.replace("LAYER", "relu"))


def test_axes_belong_to_one_strategy_each() -> None:
    said = refused("mesh: {x: 2}\nfsdp: {axis: x}\ntensor_parallel: {axis: x, gather: [head]}\n")
    assert "the axis 'x' is that of tensor_parallel already" in said
    said = refused("mesh: {dp: 2, tp: 4}\nfsdp:\n")
    assert "no strategy is over the axis 'tp': its 4 ranks would all do the same" in said
    assert "<placement>:2:7" in said


class Strategies:
    """A plugin with strategies of any kind."""

    def __init__(self, *given: object) -> None:
        self.given = given

    @hookimpl
    def netspec_strategies(self) -> Any:
        return self.given

    def registry(self) -> Registry:
        registry = Registry(installed=["transformer"])
        registry.register(self, name="mine", package="netspec-mine", version="1.0")
        return registry


@layer("nowhere.Gate", splits=Splits(column={"up": 0}, row={"down": 1}))
def gate(input: TensorType, *, names: tuple[str, ...]) -> Output:
    """Has the parameters that are asked for."""
    return Output(input.shape, parameters=dict.fromkeys(names, (8, 8)))


class Layers:
    @hookimpl
    def netspec_layers(self) -> Any:
        return [gate]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("[up.weight]", "`0` cannot be divided: gate has no down.weight"),
        ("[up.weight, down.weight, norm.weight]", "gate does not say how norm.weight is"),
    ],
)
def test_declarations_that_do_not_fit_their_parameters(names: str, words: str) -> None:
    registry = Registry()
    registry.register(Layers(), name="mine", package="netspec-mine", version="1.0")
    spec = f"netspec: 1\ninput: [N, 8]\nlayers: [gate: {{names: {names}}}]\n"
    assert words in refused("mesh: {tp: 2}\ntensor_parallel: ['**']\n", spec, registry)


@strategy("nowhere.raises", order=5)
def raises(layout: Layout, /) -> Layout:
    raise KeyError("rank")


@strategy("nowhere.forgets", order=5)
def forgets(layout: Layout, /) -> Layout:
    return None  # type: ignore[return-value]


@strategy("nowhere.refuses", order=5, obvious="layers")
def refuses(layout: Layout, /, *, layers: tuple[str, ...]) -> Layout:
    raise Misplaced("not on Sundays", layout.plan.layers[0], argument="layers")


@strategy("nowhere.halves", order=10, obvious="layers")
def halves(layout: Layout, /, *, layers: tuple[str, ...]) -> Layout:
    """A dtype for some layers."""
    paths = layout.match_all(layers, "layers")
    return layout.changed({path: Placed(dtype="bfloat16") for path in paths})


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("raises:", "broken-strategy", "raises of the plugin 'mine' of netspec-mine 1.0 fails: "
         "KeyError: 'rank'"),
        ("forgets:", "broken-strategy", "gives None, which is no Layout"),
        ("refuses: [head]", "bad-placement", "not on Sundays"),
        ("halves: [head]", "dtype-change", "the weights of `head` are of bfloat16, but "
         "`blocks.3.three` gives values of the model's dtype"),
    ],
)  # fmt: skip
def test_a_plugins_strategy_is_told_by_one_message(text: str, code: str, words: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        laid_out(text, registry=Strategies(raises, forgets, refuses, halves).registry())
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert words in found.message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("fsdp", "calls a strategy 'fsdp', which is netspec's"),
        ("mesh", "calls a strategy 'mesh', which is netspec's"),
        (3, "gives 3, which is not a strategy"),
    ],
)
def test_strategies_that_are_none_are_refused_with_their_plugin(given: object, words: str) -> None:
    if isinstance(given, str):
        renamed = raises.declared.rule
        given = Strategy(type(raises.declared)(given, "nowhere.raises", renamed), 5)
    with pytest.raises(PluginError, match=words):
        Strategies(given).registry()


@strategy("tests.placement.test_strategies.widen", order=70)
def widens(layout: Layout, /, *, by: int = 1) -> Layout:
    """An action that ``widen`` does."""
    return layout.then(Action("widens", "tests.placement.test_strategies.widen", {"by": by}))


def widen(model: nn.Module, context: Context, *, by: int) -> object:
    if not by:
        raise RuntimeError("by nothing?")
    if by < 0:
        return by
    for path in context.here(model, ["embed", "nothing"]):
        model.get_submodule(path).register_buffer("width", torch.full((1,), by))
    return model


def test_a_plugins_strategy_does_what_it_likes_to_the_modules() -> None:
    registry = Strategies(widens).registry()
    spec = netspec.loads("netspec: 1\ninput: [N, 3]\nlayers: {embed: {linear: 4}}\n")

    def made(by: int) -> nn.Module:
        text = f"placement: 1\nwidens: {{by: {by}}}\n"
        return netspec.distribute(spec, text, device="cpu", seed=0, registry=registry).model

    assert "embed.width" in made(2).state_dict()
    for by, words in ((0, "widens fails: RuntimeError: by nothing?"), (-1, "gives -1, no module")):
        with pytest.raises(netspec.SpecError) as caught:
            made(by)
        (found,) = caught.value.diagnostics
        assert found.code == "strategy-failed"
        assert words in found.message
        assert found.location.line == 2


CHAIN = "netspec: 1\ninput: [N, 8]\nlayers: [{linear: 8}, relu, {linear: 8}, relu, {linear: 8}]\n"


def test_each_stage_has_parameters() -> None:
    layout = laid_out("mesh: {pp: 3}\npipeline:\n", CHAIN)
    stages = layout.actions[0].settings["stages"]
    assert [any(path in "024" for path in stage) for stage in stages] == [True] * 3
    said = refused(
        "mesh: {pp: 2}\npipeline: {cut: ['4', '3'], stages: 3}\n".replace("2", "3"), CHAIN
    )
    assert "stage 1 of the pipeline, from `3`, has no parameters to train" in said
    assert "cut so that each stage has a layer with weights" in said
    said = refused("mesh: {pp: 4}\npipeline:\n", CHAIN)
    assert "the chain has 3 layers with weights: write at most as many stages" in said


def test_devices_of_the_spec_are_refused_where_each_rank_has_its_own() -> None:
    text = CHAIN.replace("{linear: 8}, relu, {", "{linear: 8, device: meta}, relu, {", 1)
    said = refused("mesh: {dp: 2}\nfsdp:\n", text)
    assert "`device:` is for one process, and the mesh has 2 ranks" in said
    assert "model.yaml:3:" in said
    for word in ("devices: {'0': meta}", "balance: [cpu, meta]", "offload: ['0']"):
        said = refused(f"mesh: {{dp: 2}}\nfsdp:\n{word}\n", CHAIN)
        assert f"{word.partition(':')[0]} is for one process" in said


def test_distribute_without_a_mesh_places_as_build_does() -> None:
    text = CHAIN.replace("{linear: 8}, relu, {", "{linear: 8, device: meta}, relu, {", 1)
    for spec, placement in (
        (text, {"placement": 1}),
        (CHAIN, {"placement": 1, "devices": {"0": "meta"}}),
    ):
        loaded = netspec.loads(spec)
        built = netspec.build(loaded, placement=placement, device="cpu", seed=0)
        found = netspec.distribute(loaded, placement, device="cpu", seed=0)
        for (name, own), (_, other) in zip(
            built.named_parameters(), found.model.named_parameters(), strict=True
        ):
            assert own.device == other.device, name
            assert own.device.type == ("meta" if name.startswith("0.") else "cpu")
            assert own.is_meta or own.equal(other)


@pytest.mark.parametrize(("word", "other"), [("fsdp: ['1', '2']", "4"), ("data_parallel:", "2")])
def test_what_is_sent_together_is_of_one_dtype(word: str, other: str) -> None:
    text = f"mesh: {{dp: 2}}\n{word}\ndtypes: {{'0': bfloat16}}\n"
    said = refused(text, CHAIN)
    assert f"`0` would be of bfloat16 and `{other}` of float32" in said
    laid_out(text.replace(word, "fsdp: ['0']"), CHAIN)
    laid_out(text.replace("bfloat16", "float32"), CHAIN)
