"""The hooks beside layers: what they bring works like netspec's own, and a mistake stays one
plugin's."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

import netspec
from netspec.plugin import (
    Command,
    Exporter,
    Finding,
    LayerType,
    Output,
    Positive,
    Refusal,
    TensorType,
    hookimpl,
    initialiser,
    strategy,
)
from netspec.registry import PluginError, PluginWarning

BLOCKS = """\
netspec: 1
blocks:
  pair:
    params: {width: , act: relu}
    layers:
      - linear: $width
      - inner: {act: $act}
  inner:
    params: {act: }
    layers: [$act, tail]
  tail: [dropout]
"""


def plugin(**hooks: Callable[..., object]) -> Any:
    made = SimpleNamespace()
    for name, hook in hooks.items():
        setattr(made, name, hookimpl(hook))
    return made


def registry(name: str = "sunny", /, **hooks: Callable[..., object]) -> netspec.Registry:
    """A registry with one more plugin, which has these hooks."""
    made = netspec.Registry()
    made.register(plugin(**hooks), name=name, package=f"netspec-{name}", version="1.2")
    return made


def checked(text: str, made: netspec.Registry) -> list[str]:
    found = netspec.check(f"netspec: 1\ninput: [N, 8]\n{text}", registry=made)
    return [f"{one.location}: {one.code}: {one.message}" for one in found]


def types(text: str, made: netspec.Registry) -> list[str]:
    spec = netspec.loads(f"netspec: 1\ninput: [N, 8]\n{text}")
    return [f"{row.path}: {row.type}" for row in netspec.plan(spec, registry=made).layers]


# ---- blocks


def test_a_block_of_a_package_is_used_as_a_layer_is(tmp_path: Path) -> None:
    file = tmp_path / "blocks.yaml"
    file.write_text(BLOCKS, "utf-8")
    expected = ["0.0: linear", "0.1.0: tanh", "0.1.1.0: dropout"]
    for given in (file, (str(file), BLOCKS)):
        made = registry(netspec_blocks=lambda given=given: [given])
        assert types("layers: [pair: {width: 3, act: tanh}]", made) == expected
        assert types("layers: [sunny.pair: {width: 3, act: tanh}]", made) == expected
        (wrong,) = netspec.check(
            "netspec: 1\ninput: [N, 8]\nlayers: [pair: {width: -1}]\n", registry=made
        )
        assert str(wrong.location) == f"{file}:6:17"
        assert wrong.notes[-1].message == "in the block sunny.pair, used here"
        assert str(wrong.notes[-1].location) == "<text>:3:10"


def test_a_block_of_a_package_sees_its_own_package_and_what_it_is_given() -> None:
    made = registry(netspec_blocks=lambda: [("b.yaml", BLOCKS + "  leak: [linear: $size]\n")])
    own = "blocks: {tail: [tanh], relu: [gelu, gelu]}\nparams: {size: 3}\n"
    assert types(f"{own}layers: [pair: 3, tail, relu]", made)[-4:-3] == ["0.1.1.0: dropout"]
    # A block of the spec's that comes as an argument is the spec's.
    given = "blocks: {mine: [tail, tanh], tail: [gelu]}\nlayers: [pair: {width: 3, act: mine}]"
    assert types(given, made)[1:] == ["0.1.0.0.0: gelu", "0.1.0.1: tanh", "0.1.1.0: dropout"]
    (unknown,) = checked(f"{own}layers: [tail, relu, leak]", made)
    assert unknown.startswith("b.yaml:12:")
    assert "size" in unknown
    # The spec's own blocks come first where their names are the same.
    assert types("blocks: {pair: [tanh]}\nlayers: [pair]", made) == ["0.0: tanh"]


def test_names_of_blocks_are_told_apart() -> None:
    made = registry("one", netspec_blocks=lambda: [("b.yaml", BLOCKS)])
    glow = LayerType("tail", "torch.nn.ReLU", lambda input: Output(input.shape))
    other = plugin(netspec_blocks=lambda: [("c.yaml", BLOCKS)])
    made.register(other, name="two", package="netspec-two", version="2")
    layer = plugin(netspec_layers=lambda: [glow])
    made.register(layer, name="three", package="netspec-three", version="3")
    (found,) = netspec.check("netspec: 1\ninput: [N, 8]\nlayers: [pair: 3]\n", registry=made)
    assert found.code == "ambiguous-layer"
    assert found.help == ("write `one.pair` or `two.pair`",)
    (found,) = netspec.check("netspec: 1\ninput: [N, 8]\nlayers: [tail]\n", registry=made)
    assert found.help == ("write `three.tail`, `one.tail` or `two.tail`",)
    assert types("layers: [one.pair: 3, three.tail]", made)[-1] == "1: tail"
    assert checked("layers: [pear: 3]", registry("one", netspec_blocks=lambda: [("b", BLOCKS)]))[
        0
    ].endswith("pear is not a layer")


# ---- initialisers


def fill_(tensor: Tensor, times: int, by: float = 1.0) -> None:
    if times == 13:
        raise LookupError("thirteen")
    tensor.fill_(times * by)


@initialiser(f"{__name__}.fill_")
def filled(*, times: Positive, by: float = 1.0) -> None:
    """Fills."""


def test_an_initialiser_of_a_package_is_used_as_torchs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    made = registry(netspec_initialisers=lambda: [filled])
    layers = (
        "params: {by: 3}\n"
        "init: {linear: {bias: {filled: {times: 2, by: $by}}}}\n"
        "layers:\n"
        "  - linear: 4\n"
        "  - {linear: 4, init: {weight: {sunny.filled: {times: $in_features}}}}\n"
        "  - {name: p, parameter: {shape: [2], init: {filled: {times: 5}}}}\n"
        "outputs: '1'\n"
    )
    spec = netspec.loads(f"netspec: 1\ninput: [N, 8]\n{layers}")
    assert netspec.loads(spec.to_yaml()) == spec
    model = netspec.build(spec, device="cpu", registry=made)
    values = {key: value.unique().tolist() for key, value in model.state_dict().items()}
    assert values["0.bias"] == [6.0]
    assert values["1.weight"] == [4.0]
    assert values["p"] == [5.0]


@pytest.mark.parametrize(
    ("init", "place", "message"),
    [
        ("{filed: {times: 2}}", "3:38", "there is no initialiser 'filed'"),
        ("{filled: {tims: 2}}", "3:47", "filled has no argument 'tims'"),
        ("{filled: {times: two}}", "3:54", "times of filled takes a whole number >= 1"),
        ("filled", "3:37", "filled needs times"),
        ("{filled: {times: 13}}", "3:28", "filled fails for 0.weight: LookupError: thirteen"),
        ("{filled: {times: $(0 * 2)}}", "3:54", "times of filled takes a whole number >= 1, not 0"),
    ],
)
def test_what_is_wrong_with_an_initialiser_has_its_place(
    init: str, place: str, message: str
) -> None:
    made = registry(netspec_initialisers=lambda: [filled])
    text = f"netspec: 1\ninput: [N, 8]\nlayers: [{{linear: 4, init: {{weight: {init}}}}}]\n"
    with pytest.raises(netspec.SpecError) as caught:
        netspec.build(netspec.loads(text, "m"), device="cpu", registry=made)
    (found,) = caught.value.diagnostics
    assert str(found.location) == f"m:{place}"
    assert message in found.message


def test_initialisers_of_one_name_are_told_apart() -> None:
    made = registry("one", netspec_initialisers=lambda: [filled])
    other = plugin(netspec_initialisers=lambda: [filled])
    made.register(other, name="two", package="netspec-two", version="2")
    text = "netspec: 1\ninput: [N, 8]\nlayers: [{linear: 4, init: {weight: filled}}]\n"
    (found,) = netspec.check(text, registry=made)
    assert found.code == "ambiguous-initialiser"
    assert found.help == ("write `one.filled` or `two.filled`",)


# ---- what is wrong with what a plugin brings


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def mute() -> Any:
    raise Mute


class Unshown:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


def no_arguments(parser: Any) -> None:
    pass


def run(given: Any) -> int:
    return 0


@strategy("nowhere.at_all", order=1)
def fsdp(layout: Any, /) -> Any:
    """Takes a name."""


WRONG: list[tuple[str, Callable[[], object], str]] = [
    *(
        (f"netspec_{kind}", wrong, f"netspec_{kind} failed: {message}")
        for kind in ("blocks", "initialisers", "strategies", "exporters", "commands")
        for wrong, message in (
            (mute, "Mute, whose text cannot be shown"),
            (lambda: 3, "TypeError: 'int' object is not iterable"),
            (lambda: itertools.count(), "ValueError: it gives more than 10,000 things"),
        )
    ),
    *(
        (f"netspec_{kind}", lambda: [Unshown()], "gives a Unshown")
        for kind in ("blocks", "initialisers", "strategies", "exporters", "commands")
    ),
    ("netspec_blocks", lambda: [("b.yaml", "netspec: 1\nblocks: {a: 3}")], "b.yaml:2:13: a block"),
    ("netspec_blocks", lambda: [("b.yaml", "blocks: [")], "b.yaml:1:9: "),
    (
        "netspec_blocks",
        lambda: [("b.yaml", "netspec: 1\nlayers: []")],
        "b.yaml:1:1: the file",
    ),
    ("netspec_blocks", lambda: [Path("/nowhere/b.yaml")], "FileNotFoundError"),
    ("netspec_blocks", lambda: [("b", "netspec: 1\nblocks: {relu: [tanh]}")], "a block 'relu'"),
    ("netspec_blocks", lambda: [("b", BLOCKS), ("b", BLOCKS)], "gives two blocks called 'pair'"),
    ("netspec_initialisers", lambda: [initialiser("a.b")(normal)], "'normal', which is torch's"),
    ("netspec_strategies", lambda: [fsdp], "calls a strategy 'fsdp', which is netspec's"),
    ("netspec_exporters", lambda: [Exporter("a", "b", "c.d", "plan")], "the suffix 'b'"),
    ("netspec_exporters", lambda: [Exporter("a", ".b", "c", "plan")], "no dotted path"),
    ("netspec_exporters", lambda: [Exporter("a", ".b", "c.d", "all")], "'all': plan or model"),  # type: ignore[arg-type]
    ("netspec_commands", lambda: [Command("check", "", no_arguments, run)], "'check', which is"),
    ("netspec_commands", lambda: [Command("a b", "", no_arguments, run)], "a command 'a b'"),
    ("netspec_commands", lambda: [Command("a", "", no_arguments, 3)], "cannot be called"),  # type: ignore[arg-type]
]


def normal(*, std: float = 1.0) -> None: ...


@pytest.mark.parametrize(("hook", "wrong", "message"), WRONG)
def test_a_plugin_that_brings_what_is_wrong_leaves_no_trace(
    hook: str, wrong: Callable[[], object], message: str
) -> None:
    made = netspec.Registry()
    before = made.plugins()
    with pytest.raises(PluginError) as caught:
        made.register(plugin(**{hook: wrong}), name="sunny", package="netspec-sunny", version="1.2")
    assert "the plugin 'sunny' of netspec-sunny 1.2" in str(caught.value)
    assert message in str(caught.value)
    assert made.plugins() == before
    assert not made.blocks() | made.exporters() | made.commands()
    assert made.initialisers() == netspec.Registry().initialisers()


# ---- lints

LINTED = "layers:\n  a: relu\n  b: {linear: {out_features: 4}}\n"


def test_findings_become_warnings_at_their_places() -> None:
    def netspec_lint(plan: netspec.Plan) -> list[Finding]:
        rows = [row for row in plan.layers if row.type == "linear"]
        return [
            Finding("small", "too small", r.path, "more\nor less", "out_features") for r in rows
        ]

    made = registry(netspec_lint=netspec_lint)
    assert checked(LINTED, made) == ["<text>:5:30: sunny.small: too small"]
    (found,) = netspec.plan(
        netspec.loads(f"netspec: 1\ninput: [N, 8]\n{LINTED}"), registry=made
    ).warnings
    assert found.severity == "warning"
    assert found.help == ("more", "or less")
    assert found.notes[0].message == "`b`, says netspec-sunny 1.2"
    # A spec with errors has no plan to look at.
    assert [one.split(": ")[1] for one in checked(LINTED + "  c: linaer", made)] == [
        "unknown-layer"
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda plan: mute(), "netspec_lint failed: Mute, whose text cannot be shown"),
        (lambda plan: 3, "netspec_lint failed: TypeError"),
        (lambda plan: None, "netspec_lint failed: it gives None"),
        (lambda plan: [Unshown()], "gives a Unshown, which is not a Finding"),
        (lambda plan: [Finding("a", "b", "nowhere")], "finds something at 'nowhere', which the"),
        (lambda plan: [Finding("a", cast(Any, 3), "a")], "gives a Finding of what are no texts"),
    ],
)
def test_a_lint_that_fails_disables_its_plugin_with_one_message(
    wrong: Callable[..., object], message: str
) -> None:
    made = registry(netspec_lint=lambda plan: wrong(plan))
    good = plugin(netspec_lint=lambda plan: [Finding("fine", "fine", "a")])
    made.register(good, name="good", package="netspec-good")
    found = checked(LINTED, made)
    disabled = [one for one in found if "plugin-disabled" in one]
    assert len(disabled) == 1
    assert disabled[0].startswith("<text>:1:1: ")
    assert "the plugin 'sunny' of netspec-sunny 1.2" in disabled[0]
    assert message in disabled[0]
    assert [one for one in found if one not in disabled] == ["<text>:4:6: good.fine: fine"]
    assert checked(LINTED, made) == ["<text>:4:6: good.fine: fine"]
    (problem,) = [one.problem for one in made.plugins() if one.name == "sunny"]
    assert problem is not None
    assert message in problem
    found_codes = {one.code for one in netspec.check(LINTED, registry=made)}
    assert "plugin-disabled" not in found_codes


# ---- a look at the model, and placement

SPEC = "netspec: 1\ninput: [N, 8]\nlayers: [linear: 4]\n"


def built(made: netspec.Registry, **given: Any) -> nn.Module:
    return netspec.build(netspec.loads(SPEC, "m.yaml"), device="cpu", registry=made, **given)


def test_a_look_at_the_built_model() -> None:
    seen: list[Any] = []
    made = registry(netspec_built=lambda model, plan, weights: seen.append((model, plan, weights)))
    model = built(made)
    assert seen[0][0] is model
    assert [row.path for row in seen[0][1].layers] == ["0"]
    built(made, init=False)
    assert [weights for _, _, weights in seen] == ["fresh", "none"]


def test_a_plugin_may_refuse_a_model() -> None:
    def netspec_built(model: nn.Module) -> None:
        raise Refusal("not this one", help="another")

    with pytest.raises(netspec.SpecError) as caught:
        built(registry(netspec_built=netspec_built))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.help) == (
        "refused-model",
        "not this one",
        ("another",),
    )
    assert str(found.location) == "m.yaml:1:1"


def test_hooks_see_the_callers_no_grad() -> None:
    seen: list[bool] = []
    made = registry(netspec_built=lambda: seen.append(torch.is_grad_enabled()))
    with torch.no_grad():
        built(made)
    built(made)
    assert seen == [False, True]


# ---- wrappers


def wrapping(name: str, function: Callable[..., Any]) -> ModuleType:
    wrapper = ModuleType("wrapper")
    setattr(wrapper, name, hookimpl(wrapper=True)(function))
    return wrapper


def test_a_wrapper_sees_and_changes_the_findings_of_other_plugins() -> None:
    def netspec_lint(plan: netspec.Plan) -> Any:
        lists = yield
        return [*[[one for one in found if one.code != "noise"] for found in lists], [mine]]

    mine = Finding("mine", "of the wrapper", "b")
    given = [Finding("noise", "noise", "a"), Finding("fine", "fine", "a")]
    made = registry(netspec_lint=lambda plan: given)
    made.register(wrapping("netspec_lint", netspec_lint), name="outer", package="netspec-outer")
    found = checked(LINTED, made)
    assert found == ["<text>:4:6: sunny.fine: fine", "<text>:5:7: outer.mine: of the wrapper"]
    assert not made.disabled()


def test_a_wrapper_around_devices_placement_and_the_look_at_a_model() -> None:
    asked: list[str] = []

    def netspec_resolve_device(request: str) -> Any:
        result = yield
        asked.append(request)
        return result

    def netspec_built(model: nn.Module) -> Any:
        yield
        asked.append(type(model).__name__)

    made = registry()
    for function in (netspec_resolve_device, netspec_built):
        wrapper = wrapping(function.__name__, function)
        made.register(wrapper, name=function.__name__, package="netspec-outer")
    assert built(made).get_parameter("0.weight").device == torch.device("cpu")
    assert asked == ["cpu", "Sequential"]
    assert not made.disabled()


def test_a_wrapper_may_refuse_and_one_that_fails_is_disabled_alone() -> None:
    def refuses(model: nn.Module) -> Any:
        yield
        raise Refusal("not this one")

    def fails(model: nn.Module) -> Any:
        yield
        raise LookupError("the moon is full")

    made = registry()
    made.register(wrapping("netspec_built", fails), name="bad", package="netspec-bad")
    with pytest.warns(PluginWarning, match="netspec-bad.*: netspec_built failed: LookupError"):
        built(made)
    made.register(wrapping("netspec_built", refuses), name="no", package="netspec-no")
    with pytest.raises(netspec.SpecError, match="not this one"):
        built(made)


def test_a_hook_that_is_asked_of_each_plugin_takes_no_wrapper() -> None:
    def netspec_layers() -> Any:
        yield

    with pytest.raises(PluginError, match="netspec_layers is a wrapper, but each plugin is asked"):
        netspec.Registry().register(wrapping("netspec_layers", netspec_layers), name="outer")


@pytest.mark.parametrize("hook", ["netspec_built", "netspec_place", "netspec_resolve_device"])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (mute, "Mute, whose text cannot be shown"),
        (lambda: 3, "gives 3"),
        (lambda: Unshown(), "gives a Unshown"),
        (lambda: exit(3), "SystemExit: 3"),
    ],
)
def test_a_hook_of_the_build_that_fails_disables_its_plugin(
    hook: str, wrong: Callable[[], object], message: str
) -> None:
    made = registry(**{hook: lambda: wrong()})
    with pytest.warns(PluginWarning) as caught:
        model = built(made)
    (warning,) = caught
    assert "the plugin 'sunny' of netspec-sunny 1.2" in str(warning.message)
    assert message in str(warning.message)
    assert model.get_parameter("0.weight").shape == (4, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built(made)
    assert any(one.problem and message in one.problem for one in made.plugins())


def test_a_warning_that_is_to_be_an_error_is_no_mistake_of_a_plugin() -> None:
    made = registry(netspec_built=lambda: warnings.warn("look", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="look"):
            built(made)
    assert not made.disabled()


def test_a_rule_whose_exception_has_no_text() -> None:
    def rule(input: TensorType) -> Output:
        raise Mute

    made = registry(netspec_layers=lambda: [LayerType("mute", "torch.nn.ReLU", rule)])
    (found,) = checked("layers: [mute]\n", made)
    assert "rule-failed: the rule of mute failed: Mute" in found


def test_hooks_run_with_the_device_of_their_caller() -> None:
    if not torch.cuda.is_available() or torch.cuda.device_count() < 2:
        pytest.skip("needs two cuda devices")
    seen: list[int] = []
    with torch.cuda.device(1):
        built(registry(netspec_built=lambda: seen.append(torch.cuda.current_device())))
    assert seen == [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(mute, "fails: Mute, whose text"), (lambda: 3, "gives 3, which is no Layout")],
)
def test_a_strategy_that_fails_is_told_at_its_place(wrong: Callable[[], Any], message: str) -> None:
    @strategy("nowhere.at_all", order=1)
    def sun(layout: Any, /) -> Any:
        return wrong()

    with pytest.raises(netspec.SpecError) as caught:
        netspec.distribute(
            netspec.loads(SPEC),
            "placement: 1\nsun: {}\n",
            device="cpu",
            registry=registry(netspec_strategies=lambda: [sun]),
        )
    (found,) = caught.value.diagnostics
    assert f"sun of the plugin 'sunny' of netspec-sunny 1.2 {message}" in found.message
    assert found.location.line == 2
