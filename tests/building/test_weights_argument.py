"""The weights argument: what of a file fills what of a model, and the advice that leads there."""

from __future__ import annotations

import json
import logging
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import netspec
from netspec.cli.main import main
from netspec.weights import Weights, read_weights
from netspec.weights.matching import is_like, patterns_of

TEXT = """\
netspec: 1
input: [N, 6]
layers:
  backbone: {layers: {stem: {linear: 8}, norm: batch_norm1d, body: {repeat: 2, linear: 8}}}
  head: {layers: [relu, {linear: 3}]}
"""


def tensors(text: str = TEXT, seed: int = 5) -> dict[str, Tensor]:
    return dict(netspec.build(netspec.loads(text), device="cpu", seed=seed).state_dict())


def saved(file: Path, values: object) -> Path:
    torch.save(values, file)
    return file


def build(weights: Any, text: str = TEXT, **options: Any) -> dict[str, Tensor]:
    model = netspec.build(netspec.loads(text), device="cpu", weights=weights, **options)
    assert not any(value.is_meta for value in (*model.parameters(), *model.buffers()))
    return dict(model.state_dict())


def advised(weights: Any, text: str = TEXT) -> tuple[netspec.Diagnostic, dict[str, Any]]:
    """The finding about a file, and the argument that its help has."""
    with pytest.raises(netspec.SpecError) as caught:
        build(weights, text)
    first = caught.value.diagnostics[0]
    found = re.search(r"`weights=(\{.*\})`", first.help[0])
    assert found is not None, first
    return first, json.loads(found.group(1))


def wrapped(word: str, path: str) -> dict[str, Tensor]:
    """The tensors with a wrapper around one module."""
    return {
        re.sub(rf"^{re.escape(path)}\.", rf"{path}.{word}.", name): value
        for name, value in tensors().items()
    }


def prefixed(prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in tensors().items()}


WHOLE = {
    "data parallel": (prefixed("module."), "begin with `module.`"),
    "compiled": (prefixed("_orig_mod."), "begin with `_orig_mod.`"),
    "both": (prefixed("module._orig_mod."), "begin with `module._orig_mod.`"),
    "any other": (prefixed("net.0."), "begin with `net.0.`"),
    "checkpointed inside": (
        wrapped("_checkpoint_wrapped_module", "backbone.body"),
        "have `_checkpoint_wrapped_module.` in them",
    ),
    "wrapped twice": (
        {f"model.{k}": v for k, v in wrapped("_orig_mod", "backbone").items()},
        "have `_orig_mod.` in them and the file's names begin with `model.`",
    ),
    "another container": (
        {name.replace("backbone.", "encoder."): value for name, value in tensors().items()},
        "begin with `encoder.`, the model's with `backbone.`",
    ),
    "lightning": ({"epoch": 1, "state_dict": prefixed("model.")}, "begin with `model.`"),
    "averaged": ({"optimizer": {"state": {}}, "ema": tensors()}, "under 'ema'"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_the_argument_of_the_advice_loads_the_whole_file(kind: str, tmp_path: Path) -> None:
    values, why = WHOLE[kind]
    finding, argument = advised(saved(tmp_path / "last.ckpt", values))
    assert why in str(finding)
    assert argument.keys() <= {"file", "key", "rename"}
    loaded = build(argument)
    assert all(torch.equal(loaded[name], value) for name, value in tensors().items())


PARTS = {
    "another head": (prefixed("module."), TEXT.replace("linear: 3", "linear: 4"), {"head.*"}),
    "the backbone alone": (
        {name.removeprefix("backbone."): value for name, value in tensors().items()},
        TEXT,
        {"head.*"},
    ),
    "a new layer": (
        prefixed("_orig_mod."),
        TEXT.replace("  head:", "  new: {linear: 8}\n  head:"),
        {"new.*"},
    ),
    "a layer less": (tensors(), TEXT.replace("norm: batch_norm1d, ", ""), set()),
}


@pytest.mark.parametrize("kind", PARTS)
def test_the_argument_of_the_advice_leaves_the_rest_fresh(kind: str, tmp_path: Path) -> None:
    values, text, fresh = PARTS[kind]
    _, argument = advised(saved(tmp_path / "a.pt", values), text)
    assert set(argument.get("fresh", ())) == fresh
    loaded = build(argument, text)
    known = tensors()
    for name, value in loaded.items():
        if not is_like(name, fresh):
            assert torch.equal(value, known[name]), name


def test_no_advice_where_little_is_alike(tmp_path: Path) -> None:
    few = {f"x.{name}": value for name, value in list(tensors().items())[:2]}
    few |= {f"other{number}": torch.zeros(number) for number in range(9)}
    with pytest.raises(netspec.SpecError) as caught:
        build(saved(tmp_path / "a.pt", few))
    assert not any(finding.help for finding in caught.value.diagnostics)


NEW = TEXT.replace("linear: 3", "linear: 4")
PART = {"rename": {r"^module\.": ""}, "only": ["backbone.*"], "fresh": ["head.*"]}


@pytest.mark.parametrize("seed_by", ["order", "path"])
def test_fresh_values_are_those_without_a_file(seed_by: str, tmp_path: Path) -> None:
    init = "init: {linear: {bias: {normal: {std: 0.5}}}}\n"
    file = saved(tmp_path / "a.pt", prefixed("module."))
    options: dict[str, Any] = {"seed": 3, "seed_by": seed_by}
    loaded = build({"file": file, **PART}, NEW + init, **options)
    model = netspec.build(netspec.loads(NEW + init), device="cpu", **options)
    for name, value in model.state_dict().items():
        expected = value if name.startswith("head") else tensors()[name]
        assert torch.equal(loaded[name], expected), name


def test_fresh_buffers_and_single_parameters(tmp_path: Path) -> None:
    values = {name: value + 1 for name, value in tensors().items()}
    fresh = ["backbone.norm", "head.1.bias"]
    loaded = build({"file": saved(tmp_path / "a.pt", values), "fresh": fresh}, init=False)
    assert loaded["backbone.norm.running_var"].tolist() == [1.0] * 8
    assert loaded["backbone.norm.weight"].tolist() == [1.0] * 8
    assert torch.equal(loaded["head.1.weight"], values["head.1.weight"])


def test_what_was_loaded_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = saved(tmp_path / "a.pt", {**prefixed("module."), "module.head.2.bias": torch.ones(1)})
    with caplog.at_level(logging.INFO, "netspec"):
        build({"file": str(file), **PART}, NEW)
    assert caplog.messages == [
        f"{file}: 11 tensors loaded, 2 fresh (head.*), 3 left in the file (module.head.*)"
    ]


def test_one_argument_in_python_on_a_command_line_and_in_a_placement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.pt", prefixed("module."))
    Path("model.yaml").write_text(NEW)
    # What each is advised is what each takes.
    _, argument = advised("a.pt", NEW)
    expected = build(argument, NEW, seed=1)
    assert main(["build", "model.yaml", "--weights", "a.pt"]) == 1
    help = next(line for line in capsys.readouterr().err.splitlines() if "help: " in line)
    found = re.search(r"`(--weights .*)` loads", help)
    assert found is not None
    options = shlex.split(found.group(1))
    assert main(["build", "model.yaml", *options, "--seed", "1", "-o", "m.pt"]) == 0
    assert "a.pt: 11 tensors loaded, 2 fresh (head.*), 2 left" in capsys.readouterr().out
    Path("sub").mkdir()
    Path("sub/p.yaml").write_text("placement: 1\nweights: ../a.pt\n")
    with pytest.raises(netspec.SpecError) as caught:
        build(None, NEW, placement="sub/p.yaml")
    found = re.search(r"`(weights: .*)` loads", caught.value.diagnostics[0].help[0])
    assert found is not None
    Path("sub/p.yaml").write_text(f"placement: 1\n{found.group(1)}\n")
    placed = build(None, NEW, placement="sub/p.yaml", seed=1)
    for name, value in expected.items():
        assert torch.equal(torch.load("m.pt")[name], value)
        assert torch.equal(placed[name], value)
    with pytest.raises(TypeError, match="leave out one of the two"):
        build("a.pt", NEW, placement="sub/p.yaml")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"rename": {"a": "b"}}, "the weights have no `file`"),
        ({"file": ""}, "`file` takes a text"),
        ({"file": "a.pt", "onyl": ["a"]}, "'onyl' is no part of weights"),
        ({"file": "a.pt", "only": []}, "`only` has no patterns"),
        ({"file": "a.pt", "fresh": {"a": 1}}, "`fresh` takes a text, not a mapping"),
        ({"file": "a.pt", "rename": ["a"]}, "`rename` takes a mapping of regular expressions"),
        ({"file": "a.pt", "rename": {"(": ""}}, "missing ), unterminated subpattern"),
        ({"file": "a.pt", "rename": {"a": "b" * 1001}}, "may have 1,000 letters, not 1,001"),
        ({"file": "a.pt", "rename": {"a": r"\2"}}, "invalid group reference 2"),
        ("{file: [}", "<weights>:1:"),
        ("", "the name is empty"),
    ],
)
def test_mistakes_in_the_argument(written: Any, message: str) -> None:
    with pytest.raises(netspec.SpecError) as caught:
        read_weights(written)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"rename": {"^modul\\.": ""}}, "'^modul\\\\.', which changes no name of the file"),
        (
            {"rename": {f"^(.*)${'|x' * n}": r"\1\1" for n in range(60)}},
            "makes a name of more than 1,000 letters",
        ),
        ({"rename": {"weight|bias": "x"}}, "makes one name of backbone.stem.weight and backbone"),
        ({"only": ["bakbone.*"]}, "matches no name of the file"),
        ({"fresh": ["heads"]}, "matches no parameter of the model"),
        ({"key": "ema"}, "it holds no tensors under 'ema'"),
    ],
)
def test_parts_without_effect_are_mistakes(
    part: dict[str, Any], message: str, tmp_path: Path
) -> None:
    file = saved(tmp_path / "a.pt", tensors())
    with pytest.raises(netspec.SpecError) as caught:
        build({"file": file, **part})
    assert message in str(caught.value)


def test_patterns_are_the_fewest() -> None:
    names = ["a.b.weight", "a.b.bias", "a.c.weight", "h.weight"]
    assert patterns_of(names[:2], names[2:]) == ("a.b.*",)
    assert patterns_of(names[:3], names[3:]) == ("a.*",)
    assert patterns_of(names[:1], names[1:]) == ("a.b.weight",)
    odd = ["x[0].weight", "x0.weight"]
    assert [name for name in odd if is_like(name, patterns_of(odd[:1], odd[1:]))] == odd[:1]


def test_an_argument_is_itself_again() -> None:
    weights = Weights("a.pt", "model", (("^a", "b"),), ("x",), ("y",))
    assert read_weights(json.loads(weights.written().removeprefix("weights="))) == weights


def test_a_tie_is_filled_by_any_key_and_fresh_by_all(tmp_path: Path) -> None:
    linear = "{linear: {out_features: 6, bias: false}}"
    text = (
        f"netspec: 1\ninput: [N, 6]\nlayers: {{a: {linear}, b: {linear}, c: {linear}}}\n"
        "tie: {a.weight: b.weight, c.weight: b.weight}\n"
    )
    one = torch.eye(6)
    for key in ("a.weight", "b.weight", "c.weight"):
        file = saved(tmp_path / "a.pt", {key: one})
        fresh = [other for other in ("a", "b", "c") if not key.startswith(other)]
        for weights in (file, {"file": file, "fresh": fresh}):
            model = netspec.build(netspec.loads(text), weights=weights, device="cpu")
            assert len(list(model.parameters())) == 1
            assert all(torch.equal(value, one) for value in model.state_dict().values())
    drawn = build(
        {"file": saved(tmp_path / "a.pt", {"x": one}), "only": ["x"], "fresh": ["*"]}, text
    )
    assert all(torch.equal(value, drawn["b.weight"]) for value in drawn.values())
