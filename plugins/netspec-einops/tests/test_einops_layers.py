"""What is planned, without torch, is what einops' layers do in torch; or both refuse."""

from pathlib import Path
from typing import Any

import pytest
import torch
from einops.layers.torch import EinMix
from hypothesis import given, settings
from hypothesis import strategies as st
from netspec_einops import plugin
from netspec_einops.plugin import LAYERS
from torch import Tensor, nn

import netspec
from netspec.plugin import TensorType
from netspec.spec import Value
from netspec.testing import Case, agrees_with_torch, conformance
from netspec.testing.observation import zeros

BY_NAME = {layer.name: layer for layer in LAYERS}
REGISTRY = netspec.Registry()
REGISTRY.register(plugin)

Draw = st.DrawFn
SIZES = st.sampled_from([2, 3, 1, 4, 2, 3, 1, 4, 2, 3, 1, 4, 0])
DTYPES = ["float32"] * 8 + ["float64", "int64", "int32", "bool", "uint8", "float16", "bfloat16"]
REDUCTIONS = ["min", "max", "sum", "mean", "prod"]
Groups = list[list[str]]
Written = dict[str | None, Value]


def grouped(draw: Draw, axes: list[str]) -> Groups:
    """The axes in groups of one to three, with some that are empty: a size of 1."""
    groups: Groups = []
    while axes:
        count = draw(st.sampled_from([1, 1, 2, 3]))
        groups.append(axes[:count])
        axes = axes[count:]
        if draw(st.integers(0, 5)) == 5:
            groups.append([])
    return groups


def text(draw: Draw, groups: Groups) -> str:
    """Groups as one writes them: spaces, parentheses and 1 stand in several ways."""
    words = []
    for group in groups:
        if not group:
            words.append(draw(st.sampled_from(["1", "()", "( 1 )"])))
        elif len(group) == 1 and draw(st.integers(0, 5)):
            words.append(group[0])
        elif group == ["..."]:
            words.append("...")
        else:
            words.append(f"({' '.join(group)})")
    return draw(st.sampled_from([" ", " ", "  "])).join(words)


def written_sizes(draw: Draw, groups: Groups, sizes: dict[str, int]) -> Written:
    """All but one of each group, and sometimes the last one too."""
    written: Written = {}
    for group in groups:
        axes = [axis for axis in group if axis in sizes]
        left_out = draw(st.sampled_from([*axes, None] if len(axes) < 2 else [*axes, *axes, None]))
        if len(axes) == 1 and draw(st.booleans()):
            left_out = axes[0]
        written |= {axis: sizes[axis] for axis in axes if axis != left_out}
    return written


def shape_of(draw: Draw, groups: Groups, sizes: dict[str, int]) -> list[int]:
    shape: list[int] = []
    for group in groups:
        if group == ["..."]:
            shape += draw(st.lists(SIZES, max_size=3))
            continue
        length = 1
        for axis in group:
            length *= sizes[axis] if axis in sizes else int(axis)
        shape.append(length)
    return shape


def left_side(draw: Draw, letters: str) -> tuple[Groups, dict[str, int]]:
    axes = draw(st.permutations(letters))[: draw(st.integers(0, len(letters)))]
    sizes = {axis: draw(SIZES) for axis in axes}
    groups = grouped(draw, axes)
    if draw(st.integers(0, 3)) == 3:
        groups.insert(draw(st.integers(0, len(groups))), ["..."])
    return groups, sizes


def right_side(draw: Draw, axes: list[str]) -> Groups:
    """The axes in another order and other groups; an ellipsis often stands alone."""
    groups = grouped(draw, draw(st.permutations(axes)) if draw(st.integers(0, 3)) else axes)
    if draw(st.booleans()):
        return groups
    return [
        part for group in groups for part in ([[a] for a in group] if "..." in group else [group])
    ]


def moved(draw: Draw, reduces: bool) -> tuple[Written, TensorType]:
    groups, sizes = left_side(draw, "abcdef")
    numbers: Groups = []
    if reduces and draw(st.integers(0, 3)) == 3:
        numbers = [["2"]] if draw(st.booleans()) or not groups else []
        plain = [group for group in groups if group and group != ["..."]]
        if not numbers and plain:
            draw(st.sampled_from(plain)).append("3")
    groups = [*groups, *numbers]
    shape = shape_of(draw, groups, sizes)
    axes = [axis for group in groups for axis in group if not axis.isdigit()]
    if reduces:
        axes = [axis for axis in axes if draw(st.integers(0, 2))]
    pattern = f"{text(draw, groups)} -> {text(draw, right_side(draw, axes))}"
    written: Written = {"pattern": pattern, **written_sizes(draw, groups, sizes)}
    return written, TensorType(tuple(shape), draw(st.sampled_from(DTYPES)))


@st.composite
def rearrange(draw: Draw) -> Case:
    written, input = moved(draw, False)
    return Case(BY_NAME["rearrange"], written, (input,))


@st.composite
def reduce(draw: Draw) -> Case:
    written, input = moved(draw, True)
    written["reduction"] = draw(st.sampled_from(REDUCTIONS))
    return Case(BY_NAME["reduce"], written, (input,))


@st.composite
def ein_mix(draw: Draw) -> Case:
    groups, sizes = left_side(draw, "abcd")
    there = [axis for group in groups for axis in group]
    weight = [axis for axis in there if axis != "..." and draw(st.booleans())]
    new = list("xy"[: draw(st.integers(0, 2))])
    sizes |= {axis: draw(SIZES) for axis in new}
    out = [axis for axis in there if axis == "..." or draw(st.booleans())] + new
    right = right_side(draw, out)
    weight = draw(st.permutations([*weight, *new]))
    written: Written = {
        "pattern": f"{text(draw, groups)} -> {text(draw, right)}",
        "weight_shape": " ".join(weight),
    }
    bias: list[str] = []
    if draw(st.booleans()):
        flat = [axis for group in right for axis in group]
        if "..." in flat and draw(st.integers(0, 5)):
            flat = flat[flat.index("...") + 1 :]
        bias = [axis for axis in flat if axis != "..." and draw(st.booleans())]
        written["bias_shape"] = " ".join(draw(st.permutations(bias)))
    given = written_sizes(draw, groups, {axis: sizes[axis] for axis in there if axis in sizes})
    written |= given | {axis: sizes[axis] for axis in (*weight, *bias)}
    dtype = draw(st.sampled_from(["float32"] * 12 + DTYPES))
    return Case(
        BY_NAME["ein_mix"], written, (TensorType(tuple(shape_of(draw, groups, sizes)), dtype),)
    )


DRAWN = {"rearrange": rearrange, "reduce": reduce, "ein_mix": ein_mix}


@st.composite
def cases(draw: Draw, name: str) -> Case:
    """Cases that mostly fit; else with a letter, a size or an argument changed."""
    case = draw(DRAWN[name]())
    change = draw(st.integers(0, 15))
    written = dict(case.arguments)
    input = case.input
    if change == 0:
        key = draw(
            st.sampled_from(
                [k for k, v in written.items() if isinstance(v, str) and k != "reduction"]
            )
        )
        value = str(written[key])
        at = draw(st.integers(0, len(value)))
        word = draw(st.sampled_from(["", " a", "1 ", "2 ", "(", ")", "...", " z ", "->", "_", "?"]))
        written[key] = value[:at] + word + value[at + draw(st.integers(0, 1)) :]
    elif change == 1 and input.shape:
        at = draw(st.integers(0, input.rank - 1))
        changed = [*input.shape]
        changed[at] = changed[at] + 1
        input = input._replace(shape=tuple(changed))
    elif change == 2:
        del written[draw(st.sampled_from([*written]))]
    elif change == 3:
        name = draw(st.sampled_from(["a", "b", "z", "self", "input", "c"]))
        written[name] = draw(st.integers(0, 4))
    elif change == 4:
        longer = st.sampled_from([input.shape[1:], (*input.shape, 1), (*input.shape, 2, 3, 4)])
        input = input._replace(shape=draw(longer))
    return Case(case.layer, written, (input,))


def why_lenient(case: Case, refused: netspec.SpecError) -> str | None:
    """Why einops takes what netspec refuses."""
    message = " ".join(diagnostic.message for diagnostic in refused.diagnostics)
    if case.layer.name == "ein_mix" and "the input's size" in message:
        return "einops does not look at sizes where it has no groups, and torch.einsum stretches 1"
    if case.layer.name == "ein_mix" and "holds" in message:
        return "torch promotes where no matrices are multiplied, or does not look at nothing"
    return None


TestLayers = conformance(
    plugin,
    cases={name: cases(name) for name in DRAWN},
    tolerance=why_lenient,
    max_examples=60,
)


@settings(deadline=None, max_examples=60)
@given(case=rearrange())
def test_a_view_is_one_where_torch_makes_none_of_it(case: Case) -> None:
    planned = case.plan(REGISTRY)
    if isinstance(planned, netspec.SpecError) or 0 in case.input.shape:
        return
    given = zeros(case.input, "cpu")
    output = netspec.build(planned, device="cpu", registry=REGISTRY)(given)
    shares = output.untyped_storage().data_ptr() == given.untyped_storage().data_ptr()
    assert planned.layers[0].application.is_view == shares


def spec(shape: str, layer: str) -> netspec.Spec:
    return netspec.loads(f"netspec: 1\ninput: {shape}\nlayers:\n- {layer}\n")


def fails(shape: str, layer: str) -> str:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.plan(spec(shape, layer), registry=REGISTRY)
    return str(caught.value)


PATCHES = 'rearrange: {pattern: "b c (h p) (w q) -> b (h w) (p q c)", p: 8, q: 8}'


def test_patches_of_an_image_of_any_size() -> None:
    sizes = "H: {multiple_of: 8}, W: {multiple_of: 8}"
    plan = netspec.plan(spec(f"{{shape: [N, 3, H, W], {sizes}}}", PATCHES), registry=REGISTRY)
    assert [str(size) for size in plan.output_shape] == ["N", "H*W/64", "192"]
    assert not plan.conditions


def test_what_is_refused_names_the_sizes_and_the_way_out() -> None:
    text = fails("[N, 3, H, 32]", PATCHES)
    assert "the input's size 2 is H, which is no multiple of 8: (h p) has p = 8" in text
    assert "`H: {multiple_of: 8}`" in text
    text = fails("[N, 3, 32]", PATCHES)
    assert "takes [b, c, (h p), (w q)], 4 sizes, but its input [N, 3, 32] has 3" in text
    text = fails("[N, 6]", "rearrange: b (c d) -> b c d")
    assert "the sizes of c and d in (c d) do not follow" in text
    assert "write `d: 8` beside the pattern" in text
    text = fails("[N, 6]", "rearrange: b channel -> b chanel")
    assert "did you mean channel?" in text
    text = fails("[N, 6]", "rearrange: {pattern: b (c d) -> b c d, c: 4, d: 2}")
    assert "(c d) is 8 (for c = 4 and d = 2), but the input's size 1 is 6" in text
    text = fails("[N, 6]", "reduce: {pattern: b c -> b, reduction: median}")
    assert "min, max, sum, mean or prod" in text
    text = fails("[N, 6]", "ein_mix: {pattern: b c -> b d, weight_shape: c d, d: 3}")
    assert "the weight's axis c has no size" in text
    assert "write `c: 6` beside the pattern" in text


MIX: Written = {"pattern": "b c -> b d", "weight_shape": "c d", "c": 3, "d": 2}
REFUSED: list[tuple[str, Written, tuple[int, ...], str]] = [
    ("rearrange", {"pattern": "... -> (...)"}, (1,) * 8, "stands for 8 sizes"),
    ("rearrange", {"pattern": "(... a) -> ... a", "a": 1}, (4,), "in parentheses on the left"),
    ("rearrange", {"pattern": "(a b) -> a b", "a": 0}, (0,), "any size of b gives 0"),
    ("rearrange", {"pattern": "self -> self", "self": 2}, (2,), "an axis called self"),
    ("rearrange", {"pattern": "a 2 -> a 2"}, (3, 2), "an axis 2 without a name"),
    ("rearrange", {"pattern": "a () -> a"}, (3, 2), "the pattern has a 1 there"),
    ("rearrange", {"pattern": "a ... b -> a b ..."}, (3,), "2 sizes or more"),
    ("reduce", {"pattern": "(... a) -> ...", "reduction": "max"}, (4,), "in parentheses"),
    ("reduce", {"pattern": "a 2 -> a", "reduction": "max"}, (3, 4), "has a 2 there"),
    ("reduce", {"pattern": "a (b 2) -> a", "reduction": "max"}, (3, 5), "(b 2) has a 2"),
    ("reduce", {"pattern": "a b -> a 2", "reduction": "max"}, (3, 4), "without a name"),
    ("ein_mix", {**MIX, "pattern": "(... b) c -> ... b d"}, (4, 3), "in parentheses on the left"),
    ("ein_mix", {**MIX, "pattern": "... c -> d"}, (4, 3), "on one side of the pattern only"),
    ("ein_mix", {**MIX, "weight_shape": "(c d)"}, (4, 3), "without parentheses"),
    ("ein_mix", {**MIX, "weight_shape": "c d 1"}, (4, 3), "no 1"),
    ("ein_mix", {**MIX, "weight_shape": "c d ..."}, (4, 3), "so no `...`"),
    ("ein_mix", {**MIX, "weight_shape": "c d e", "e": 2}, (4, 3), "neither in the input nor"),
    ("ein_mix", {**MIX, "c": 0}, (4, 0), "an axis of size 0 is summed over"),
    ("ein_mix", {**MIX, "bias_shape": "c"}, (4, 3), "the bias is not in the output"),
    ("ein_mix", {**MIX, "bias_shape": "b"}, (4, 3), "the bias's axis b has no size"),
    (
        "ein_mix",
        {**MIX, "pattern": "... c -> d ...", "bias_shape": "d"},
        (4, 3),
        "the axes of a bias come after `...`",
    ),
    (
        "ein_mix",
        {**MIX, "pattern": f"{' '.join(f'a{n}' for n in range(25))} c -> d"},
        (*(1,) * 25, 3),
        "at most 26 different axes",
    ),
]


@pytest.mark.parametrize(
    ("name", "written", "shape", "message"), REFUSED, ids=[case[3] for case in REFUSED]
)
def test_what_einops_refuses_is_refused_with_a_reason(
    name: str, written: Written, shape: tuple[int, ...], message: str
) -> None:
    case = Case(BY_NAME[name], written, (TensorType(shape),))
    refused = case.plan(REGISTRY)
    assert isinstance(refused, netspec.SpecError)
    assert message in str(refused)
    assert agrees_with_torch(case, REGISTRY, lambda case, refused: None) is None


def test_a_maximum_over_nothing_is_a_condition() -> None:
    plan = netspec.plan(
        spec("[N, T, 4]", "reduce: {pattern: n t c -> n c, reduction: max}"), registry=REGISTRY
    )
    assert [str(condition) for condition in plan.conditions] == ["T >= 1"]


class MixerBlock(nn.Module):
    """Tolstikhin et al. (2021), "MLP-Mixer", by hand."""

    def __init__(self, tokens: int, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.tokens = nn.ModuleDict({"up": nn.Linear(tokens, 32), "down": nn.Linear(32, tokens)})
        self.channels = nn.ModuleDict(
            {"up": nn.Linear(channels, 256), "down": nn.Linear(256, channels)}
        )

    def forward(self, x: Tensor) -> Tensor:
        def mlp(part: nn.ModuleDict, x: Tensor) -> Tensor:
            mixed: Tensor = part["down"](nn.functional.gelu(part["up"](x)))
            return mixed

        x = x + mlp(self.tokens, self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + mlp(self.channels, self.norm2(x))


README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_mixer_of_the_readme_is_one() -> None:
    planned = netspec.plan(
        netspec.loads(README.split("```yaml\n")[1].split("```")[0]), registry=REGISTRY
    )
    assert [str(size) for size in planned.output_shape] == ["N", "10"]
    assert all(f"| `{layer.name}` |" in README for layer in LAYERS)
    model = netspec.build(planned, device="cpu", seed=0, registry=REGISTRY).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    patches = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 4, 5, 1).reshape(2, 64, 48)
    expected = model.get_submodule("embed")(patches)
    for number in range(2):
        block = MixerBlock(64, 64)
        found: dict[str, Tensor] = {}
        for key, value in model.get_submodule(f"blocks.{number}").state_dict().items():
            part, _, rest = key.partition(".")
            if isinstance(model.get_submodule(f"blocks.{number}.{part}"), EinMix):
                name, _, way = part.partition("_")
                matrix = rest == "weight"
                found[f"{name}.{way}.{rest}"] = value.T if matrix else value.flatten()
            else:
                found[key] = value
        block.load_state_dict(found)
        expected = block(expected)
    expected = model.get_submodule("head")(model.get_submodule("norm")(expected).mean(1))
    torch.testing.assert_close(model(x), expected)


@settings(deadline=None, max_examples=100)
@given(case=st.one_of(rearrange(), reduce()))
def test_built_layers_give_what_the_functions_of_einops_give(case: Case) -> None:
    import einops

    planned = case.plan(REGISTRY)
    if isinstance(planned, netspec.SpecError):
        return
    x = zeros(case.input, "cpu")
    x = torch.randint_like(x, 5) if x.dtype != torch.bool else x
    written: dict[Any, Any] = dict(case.arguments)
    pattern, *others = (
        written.pop("pattern"),
        *([written.pop("reduction")] if "reduction" in written else []),
    )
    function = einops.reduce if others else einops.rearrange
    expected = function(x, pattern, *others, **written)
    model = netspec.build(planned, device="cpu", registry=REGISTRY)
    torch.testing.assert_close(model(x), expected, equal_nan=True)


def test_the_built_module_is_that_of_einops_with_its_keys_and_values() -> None:
    layer = "ein_mix: {pattern: b t c -> b s c, weight_shape: t s, bias_shape: s, t: 4, s: 6}"
    model = netspec.build(spec("[N, 4, 3]", layer), device="cpu", seed=0, registry=REGISTRY)
    torch.manual_seed(0)
    twin = EinMix("b t c -> b s c", "t s", "s", t=4, s=6)
    assert type(model.get_submodule("0")) is EinMix
    for (ours, value), (theirs, known) in zip(
        model.state_dict().items(), twin.state_dict().items(), strict=True
    ):
        assert ours == f"0.{theirs}"
        assert torch.equal(value, known)
